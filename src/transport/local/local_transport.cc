#include "transport/local/local_transport.h"

#include <functional>
#include <optional>
#include <vector>

#include "transport/local/link.h"

namespace srpd::transport {
namespace {

// Runs `call` on `loop`. For connecting only, which may allocate.
void post_to(runtime::Loop& loop, std::function<void()> call) {
  struct Envelope : runtime::Mail {
    using Mail::Mail;
    std::function<void()> call;
  };
  auto* const envelope = new Envelope([](runtime::Mail& mail) {
    const std::unique_ptr<Envelope> self(static_cast<Envelope*>(&mail));
    self->call();
  });
  envelope->call = std::move(call);
  loop.post(*envelope);
}

}  // namespace

class LocalListener final : public Listener {
 public:
  LocalListener(LocalTransport& transport, const Address& address)
      : transport_(transport), address_(address) {}
  ~LocalListener() override {
    const std::lock_guard lock(transport_.mutex_);
    transport_.endpoints_.erase(address_.local_name);
  }
  const Address& address() const override { return address_; }

 private:
  LocalTransport& transport_;
  Address address_;
};

// An attempt to connect: on the caller's loop, except for deliver().
struct Dial : runtime::Timer, std::enable_shared_from_this<Dial> {
  enum class Step : std::uint8_t { setting_out, waiting, over };

  Dial(LocalTransport& dialled_transport, runtime::Loop& home,
       const ConnectOptions& connect_options, Connector::Handler& connect_handler)
      : Timer([](Timer& self) { static_cast<Dial&>(self).expired(); }),
        transport(dialled_transport),
        loop(home),
        options(connect_options),
        private_data(options.private_data.begin(), options.private_data.end()),
        handler(&connect_handler),
        seed(transport.plan().seed * 0x10001 +
             transport.connections_.fetch_add(1, std::memory_order_relaxed)),
        random(seed) {
    options.private_data = {};
  }

  void begin() {
    const runtime::Time delay = transport.plan().ordinary_delay(random);
    loop.start_timer(*this, loop.now() + delay);
  }

  void cancel() {
    step = Step::over;
    handler = nullptr;
    loop.cancel_timer(*this);
  }

  // Ends the attempt and says whom to tell; null when it was over already.
  Connector::Handler* finish() {
    if (step == Step::over) return nullptr;
    step = Step::over;
    loop.cancel_timer(*this);
    return std::exchange(handler, nullptr);
  }

  void fail(std::string cause, std::string remedy) {
    if (Connector::Handler* const told = finish(); told != nullptr)
      told->on_failed(
          Error{"local:" + options.peer.local_name, std::move(cause), std::move(remedy)});
  }

  void expired();
  void deliver();

  LocalTransport& transport;
  runtime::Loop& loop;
  ConnectOptions options;
  std::vector<std::byte> private_data;
  Connector::Handler* handler;
  std::uint64_t seed;
  Random random;
  Step step = Step::setting_out;
};

namespace {

class LocalConnector final : public Connector {
 public:
  explicit LocalConnector(std::shared_ptr<Dial> dial) : dial_(std::move(dial)) {}
  ~LocalConnector() override { dial_->cancel(); }

 private:
  std::shared_ptr<Dial> dial_;
};

class LocalRequest final : public ConnectRequest {
 public:
  explicit LocalRequest(std::shared_ptr<Dial> dial)
      : dial_(std::move(dial)), peer_(source_of(*dial_)) {}
  ~LocalRequest() override {
    if (dial_ != nullptr)
      post_to(dial_->loop, [dial = dial_] { dial->fail("the listener dropped the request", ""); });
  }

  std::span<const std::byte> private_data() const override { return dial_->private_data; }
  const Address& peer() const override { return peer_; }
  const Address& local() const override { return dial_->options.peer; }
  LoginForm login_form() const override { return LoginForm::rdma_cm; }
  std::string_view transport() const override { return "local"; }
  bool address_is_identity() const override { return false; }

  void accept(std::span<const std::byte> private_data, const ChannelParameters& parameters,
              runtime::Loop& home, Established& established) override {
    const auto dial = std::move(dial_);
    const auto link = std::make_shared<Link>(dial->loop, dial->options.parameters, home, parameters,
                                             dial->seed, std::as_const(dial->transport).plan());
    link->initiator.address = peer_;
    link->responder.address = dial->options.peer;
    post_to(home, [link, told = &established] {
      told->on_channel(std::make_unique<LocalChannel>(link, link->responder, link->initiator));
    });
    std::vector<std::byte> answer(private_data.begin(), private_data.end());
    post_to(dial->loop, [dial, link, answer = std::move(answer)] {
      auto channel = std::make_unique<LocalChannel>(link, link->initiator, link->responder);
      // Without anyone to take it the channel is dropped, which resets the connection.
      if (Connector::Handler* const told = dial->finish(); told != nullptr)
        told->on_connected(std::move(channel), answer);
    });
  }

  void reject(std::span<const std::byte> private_data) override {
    const auto dial = std::move(dial_);
    std::vector<std::byte> answer(private_data.begin(), private_data.end());
    post_to(dial->loop, [dial, answer = std::move(answer)] {
      if (Connector::Handler* const told = dial->finish(); told != nullptr)
        told->on_rejected(answer);
    });
  }

 private:
  static Address source_of(const Dial& dial) {
    return dial.options.source ? *dial.options.source : LocalTransport::address("initiator");
  }

  std::shared_ptr<Dial> dial_;
  Address peer_;
};

}  // namespace

void Dial::expired() {
  if (step == Step::waiting) {
    fail("no answer in time", "is the target alive?");
    return;
  }
  if (random.one_in(transport.plan().refuse_one_in)) {
    fail("connection failed (injected fault)", "try again");
    return;
  }
  step = Step::waiting;
  loop.start_timer(*this, loop.now() + options.timeout);
  std::optional<LocalTransport::Endpoint> endpoint;
  {
    const std::lock_guard lock(transport.mutex_);
    if (const auto found = transport.endpoints_.find(options.peer.local_name);
        found != transport.endpoints_.end())
      endpoint = found->second;
  }
  if (!endpoint) {
    fail("nobody listens there", "start the target first");
    return;
  }
  post_to(*endpoint->loop, [self = shared_from_this()] { self->deliver(); });
}

// On the listener's loop, where the listener may have gone meanwhile.
void Dial::deliver() {
  Listener::Handler* listener = nullptr;
  {
    const std::lock_guard lock(transport.mutex_);
    if (const auto found = transport.endpoints_.find(options.peer.local_name);
        found != transport.endpoints_.end())
      listener = found->second.handler;
  }
  if (listener != nullptr) {
    listener->on_request(std::make_unique<LocalRequest>(shared_from_this()));
  } else {
    post_to(loop, [self = shared_from_this()] {
      self->fail("nobody listens there any more", "start the target first");
    });
  }
}

Address LocalTransport::address(std::string_view name) {
  Address address;
  address.local_name = name;
  return address;
}

Expected<std::unique_ptr<Listener>> LocalTransport::listen(runtime::Loop& loop,
                                                           const Address& address,
                                                           Listener::Handler& handler) {
  const std::lock_guard lock(mutex_);
  if (address.local_name.empty())
    return failure("local transport", "the address has no name", "write local:NAME");
  const auto [place, fresh] = endpoints_.try_emplace(address.local_name, Endpoint{&loop, &handler});
  if (!fresh)
    return failure("local:" + address.local_name, "in use already", "choose another name");
  return std::make_unique<LocalListener>(*this, address);
}

std::unique_ptr<Connector> LocalTransport::connect(runtime::Loop& loop,
                                                   const ConnectOptions& options,
                                                   Connector::Handler& handler) {
  auto dial = std::make_shared<Dial>(*this, loop, options, handler);
  dial->begin();
  return std::make_unique<LocalConnector>(std::move(dial));
}

}  // namespace srpd::transport
