#include "initiator/client.h"

#include <cerrno>

#include "base/log.h"

namespace srpd::initiator {

Expected<std::unique_ptr<Client>> Client::connect(runtime::Loop& loop,
                                                  transport::Transport& transport,
                                                  const SessionOptions& options) {
  std::unique_ptr<Client> client(new Client(loop));
  Session::Observer& observer = *client;
  client->session_ = std::make_unique<Session>(loop, transport, options, observer);
  client->session_->open();
  while (!client->up_ && !client->over_) loop.run();
  if (client->over_) return tl::unexpected<Error>(*client->error_);
  return client;
}

Client::~Client() {
  if (!over_) session_->close();
  while (!over_) loop_.run();
}

void Client::wait() {
  if (!over_) loop_.run();
}

void Client::execute(Request& request) {
  struct Wait {
    runtime::Loop& loop;
    bool done = false;
  } wait{loop_};
  request.context = &wait;
  request.done = [](Request& self) {
    auto& waiting = *static_cast<Wait*>(self.context);
    waiting.done = true;
    waiting.loop.stop();
  };
  if (!session_->submit(request)) {
    request.error = -ENOTCONN;
    return;
  }
  while (!wait.done) loop_.run();
}

void Client::execute(TaskRequest& task) {
  struct Wait {
    runtime::Loop& loop;
    bool done = false;
  } wait{loop_};
  task.context = &wait;
  task.done = [](TaskRequest& self) {
    auto& waiting = *static_cast<Wait*>(self.context);
    waiting.done = true;
    waiting.loop.stop();
  };
  if (!session_->manage(task)) {
    task.error = -ECONNRESET;
    return;
  }
  while (!wait.done) loop_.run();
}

void Client::on_up() {
  if (up_) log::info("{}: logged in again", session_->options().address.text());
  up_ = true;
  loop_.stop();
}

void Client::on_down(const std::string& why) {
  log::warning("{}: connection lost ({}), reconnecting", session_->options().address.text(), why);
}

void Client::on_over(const Error* error) {
  over_ = true;
  if (error != nullptr) error_ = *error;
  loop_.stop();
}

}  // namespace srpd::initiator
