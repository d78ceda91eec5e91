// IU codecs against vectors captured between Linux' ib_srp and its kernel target, and against lies.
#include "srp/iu.h"

#include <gtest/gtest.h>

#include <cstring>

#include "support/hex.h"

namespace srpd::srp {
namespace {

using test::hex;
using test::to_hex;

// READ(10) of 8 blocks, one direct descriptor.
const auto read10 =
    hex("0200000000010000 3500000000000000 00000000 0000000000000000 00 00 00 00"
        "28000000032000000800000000000000 ff395f20c332f000 23414b24 00001000");

TEST(ParseCmd, DirectDescriptor) {
  Command command;
  ASSERT_EQ(parse_cmd(read10, 68, command), CmdFault::ok);
  EXPECT_EQ(command.tag, (Tag{{0x35}}));
  EXPECT_EQ(command.cdb.size(), 16u);
  EXPECT_EQ(command.cdb[0], std::byte{0x28});
  EXPECT_EQ(command.data_out.format, Format::none);
  EXPECT_EQ(command.data_out.length, 0u);
  ASSERT_EQ(command.data_in.descriptors.size(), 1u);
  EXPECT_EQ(command.data_in.length, 4096u);
  EXPECT_EQ(command.data_in.descriptors[0].address, 0xff395f20c332f000u);
  EXPECT_EQ(command.data_in.descriptors[0].key, 0x23414b24u);
  EXPECT_FALSE(command.data_in.external());
}

// WRITE(10) with immediate data; bytes 52..67 are leftovers of an older IU.
std::vector<std::byte> immediate_write(std::uint32_t announced, std::size_t present) {
  auto iu =
      hex("0200000000300000 3700000000000000 00000000 0000000000000000 00 00 00 00"
          "2a000000064000000800000000000000 00000000 c332f000 23414b25 00001000 00000000");
  const wire::be32 length = announced;
  std::memcpy(iu.data() + 48, &length, sizeof length);
  iu.insert(iu.end(), present, std::byte{0x41});
  return iu;
}

TEST(ParseCmd, ImmediateDataAreAtTheAgreedOffset) {
  const auto iu = immediate_write(4096, 4096);
  Command command;
  ASSERT_EQ(parse_cmd(iu, 68, command), CmdFault::ok);
  EXPECT_EQ(command.data_out.format, Format::immediate);
  EXPECT_EQ(command.data_out.length, 4096u);
  EXPECT_EQ(command.data_out.immediate.data(), iu.data() + 68);
  EXPECT_EQ(command.data_out.immediate.size(), 4096u);
}

TEST(ParseCmd, ImmediateDataPastTheEnd) {
  Command command;
  EXPECT_EQ(parse_cmd(immediate_write(4097, 4096), 68, command), CmdFault::too_short);
  EXPECT_EQ(parse_cmd(immediate_write(UINT32_MAX, 4096), 68, command), CmdFault::too_short);
  EXPECT_EQ(parse_cmd(immediate_write(1, 0), 5000, command), CmdFault::too_short);
  EXPECT_EQ(command.tag, (Tag{{0x37}}));
}

TEST(ParseCmd, ImmediateDataNotAgreedOn) {
  Command command;
  EXPECT_EQ(parse_cmd(immediate_write(8, 8), 0, command), CmdFault::unknown_format);
}

TEST(ParseCmd, ImmediateDataOverDescriptors) {
  Command command;
  EXPECT_EQ(parse_cmd(immediate_write(8, 8), 50, command), CmdFault::immediate_position);
}

TEST(ParseCmd, ImmediateDataIn) {
  auto iu = read10;
  iu[5] = std::byte{0x03};
  Command command;
  EXPECT_EQ(parse_cmd(iu, 68, command), CmdFault::unknown_format);
}

TEST(ParseCmd, UnknownFormats) {
  for (const unsigned format : {0x04u, 0x0fu, 0x40u, 0xf0u}) {
    auto iu = read10;
    iu[5] = static_cast<std::byte>(format);
    Command command;
    EXPECT_EQ(parse_cmd(iu, 68, command), CmdFault::unknown_format) << format;
  }
}

TEST(ParseCmd, EveryTruncationIsNoticed) {
  const std::span<const std::byte> iu(read10);
  for (std::size_t length = 0; length < iu.size(); ++length) {
    Command command;
    EXPECT_EQ(parse_cmd(iu.first(length), 68, command),
              length < 48 ? CmdFault::header_too_short : CmdFault::too_short)
        << length;
  }
}

TEST(ParseCmd, AdditionalCdb) {
  auto iu = read10;
  iu[31] = std::byte{0x13};  // 16 bytes; the low two bits do not count
  iu.insert(iu.begin() + 48, 16, std::byte{0xcd});
  Command command;
  ASSERT_EQ(parse_cmd(iu, 68, command), CmdFault::ok);
  EXPECT_EQ(command.cdb.size(), 32u);
  EXPECT_EQ(command.cdb[31], std::byte{0xcd});
  EXPECT_EQ(command.data_in.length, 4096u);
  iu[31] = std::byte{0xff};
  EXPECT_EQ(parse_cmd(iu, 68, command), CmdFault::too_short);
}

struct Indirect {
  std::uint32_t table_length, total;
  std::uint8_t count;
};

std::vector<std::byte> indirect_read(const Indirect& shape, std::size_t present,
                                     std::uint32_t each = 4096) {
  auto iu =
      hex("0200000000020000 0100000000000000 00000000 0001000000000000 00 02 00 00"
          "28000000032000000800000000000000");
  iu[7] = std::byte{shape.count};
  const wire::srp::IndirectDescriptor head{{0x1000u, 7u, shape.table_length}, shape.total};
  const auto bytes = wire::bytes_of(head);
  iu.insert(iu.end(), bytes.begin(), bytes.end());
  for (std::size_t i = 0; i < present; ++i) {
    const MemoryDescriptor descriptor{0x10000u * i, 9u, each};
    const auto more = wire::bytes_of(descriptor);
    iu.insert(iu.end(), more.begin(), more.end());
  }
  return iu;
}

TEST(ParseCmd, IndirectWithCompleteTable) {
  const auto iu = indirect_read({48, 12288, 3}, 3);
  Command command;
  ASSERT_EQ(parse_cmd(iu, 0, command), CmdFault::ok);
  EXPECT_EQ(command.lun, 0x0001000000000000u);
  EXPECT_EQ(command.task_attribute, 2);
  EXPECT_EQ(command.data_in.format, Format::indirect);
  EXPECT_EQ(command.data_in.descriptors.size(), 3u);
  EXPECT_EQ(command.data_in.length, 12288u);
  EXPECT_FALSE(command.data_in.external());
}

TEST(ParseCmd, IndirectTableOutsideTheIu) {
  for (const std::uint8_t count : std::initializer_list<std::uint8_t>{0, 1, 4}) {
    const auto iu = indirect_read({16 * 256, 1 << 20, count}, count);
    Command command;
    ASSERT_EQ(parse_cmd(iu, 0, command), CmdFault::ok);
    EXPECT_TRUE(command.data_in.external());
    EXPECT_EQ(command.data_in.table_count, 256u);
    EXPECT_EQ(command.data_in.descriptors.size(), count);
    EXPECT_EQ(command.data_in.table.address, 0x1000u);
  }
}

TEST(ParseCmd, IndirectLies) {
  Command command;
  EXPECT_EQ(parse_cmd(indirect_read({48, 12288, 3}, 2), 0, command), CmdFault::too_short);
  EXPECT_EQ(parse_cmd(indirect_read({48, 12288, 255}, 3), 0, command), CmdFault::too_short);
  EXPECT_EQ(parse_cmd(indirect_read({47, 12288, 2}, 3), 0, command), CmdFault::table_length);
  EXPECT_EQ(parse_cmd(indirect_read({32, 12288, 3}, 3), 0, command), CmdFault::too_many_in_iu);
  EXPECT_EQ(parse_cmd(indirect_read({48, 12289, 3}, 3), 0, command), CmdFault::lengths_disagree);
  EXPECT_EQ(parse_cmd(indirect_read({0, 1, 0}, 0), 0, command), CmdFault::lengths_disagree);
}

TEST(ParseCmd, SumOfLengthsDoesNotWrap) {
  const auto iu = indirect_read({32, UINT32_MAX, 2}, 2, UINT32_MAX);
  Command command;
  ASSERT_EQ(parse_cmd(iu, 0, command), CmdFault::ok);
  EXPECT_EQ(total_length(command.data_in.descriptors), 2ull * UINT32_MAX);
  EXPECT_EQ(command.data_in.length, UINT32_MAX);
}

TEST(ParseCmd, BothDirections) {
  const MemoryDescriptor out{0x1000u, 1u, 512u};
  const MemoryDescriptor in[] = {{0x2000u, 2u, 100u}, {0x3000u, 3u, 28u}};
  const auto cdb = hex("53000000000000010000");
  CommandSpec spec;
  spec.tag = Tag{{9, 8, 7}};
  spec.lun = 0x0002000000000000u;
  spec.sol_not = wire::srp::ucsolnt;
  spec.task_attribute = 1;
  spec.cdb = cdb;
  spec.data_out = {Format::direct, {&out, 1}, {}, 0};
  spec.data_in = {Format::indirect, in, {0x9000u, 4u, 32u}, 128};
  std::byte iu[256];
  const std::size_t length = build_cmd(spec, iu);
  ASSERT_EQ(length, 48u + 16u + 20u + 32u);
  Command command;
  ASSERT_EQ(parse_cmd({iu, length}, 0, command), CmdFault::ok);
  EXPECT_EQ(command.tag, spec.tag);
  EXPECT_EQ(command.lun, spec.lun);
  EXPECT_EQ(command.sol_not, wire::srp::ucsolnt);
  EXPECT_EQ(command.task_attribute, 1);
  EXPECT_EQ(command.data_out.length, 512u);
  EXPECT_EQ(command.data_in.length, 128u);
  EXPECT_EQ(command.data_in.descriptors[1].address, 0x3000u);
}

TEST(BuildCmd, ReproducesTheCapture) {
  const MemoryDescriptor in{0xff395f20c332f000u, 0x23414b24u, 4096u};
  const auto cdb = hex("28000000032000000800");
  CommandSpec spec;
  spec.tag = Tag{{0x35}};
  spec.cdb = cdb;
  spec.data_in = {Format::direct, {&in, 1}, {}, 0};
  std::byte iu[64];
  ASSERT_EQ(build_cmd(spec, iu), sizeof iu);
  EXPECT_EQ(to_hex(iu), to_hex(read10));
}

TEST(BuildCmd, ImmediateAndAdditionalCdb) {
  const auto cdb = std::vector<std::byte>(30, std::byte{0x7f});
  const auto data = std::vector<std::byte>(10, std::byte{0x5a});
  CommandSpec spec;
  spec.cdb = cdb;
  spec.data_out = {Format::immediate, {}, {}, 10};
  spec.immediate_offset = 68;
  spec.immediate = data;
  std::byte iu[128];
  ASSERT_EQ(build_cmd(spec, iu), 78u);
  Command command;
  ASSERT_EQ(parse_cmd({iu, 78}, 68, command), CmdFault::ok);
  EXPECT_EQ(command.cdb.size(), 32u);
  EXPECT_EQ(command.cdb[31], std::byte{0});
  EXPECT_EQ(to_hex(command.data_out.immediate), to_hex(data));
}

TEST(BuildCmd, RefusesWhatDoesNotFit) {
  const MemoryDescriptor one{};
  const auto cdb = std::vector<std::byte>(16);
  CommandSpec spec;
  spec.cdb = cdb;
  spec.data_in = {Format::direct, {&one, 1}, {}, 0};
  std::byte iu[512];
  EXPECT_EQ(build_cmd(spec, std::span(iu).first(63)), 0u);
  const std::vector<MemoryDescriptor> many(256);
  spec.data_in = {Format::indirect, many, {}, 0};
  std::vector<std::byte> large(8192);
  EXPECT_EQ(build_cmd(spec, large), 0u);
  const auto too_long = std::vector<std::byte>(max_cdb_length + 1);
  spec.data_in = {};
  spec.cdb = too_long;
  EXPECT_EQ(build_cmd(spec, large), 0u);
}

TEST(Residual, Rules) {
  using namespace wire::srp;
  const Movement none{};
  auto r = residual_of(none, {36, 36, 36});
  EXPECT_EQ(r.flags, 0);
  r = residual_of(none, {36, 12, 12});
  EXPECT_EQ(r.flags, diunder);
  EXPECT_EQ(r.data_in, 24u);
  r = residual_of(none, {512, 4096, 512});
  EXPECT_EQ(r.flags, diover);
  EXPECT_EQ(r.data_in, 3584u);
  r = residual_of({4096, 512, 512}, {4096, 8192, 0});
  EXPECT_EQ(r.flags, dounder | diunder);
  EXPECT_EQ(r.data_out, 3584u);
  EXPECT_EQ(r.data_in, 4096u);
  r = residual_of({0, 512, 0}, none);
  EXPECT_EQ(r.flags, doover);
  EXPECT_EQ(r.data_out, 512u);
  r = residual_of({0, 1ull << 40, 0}, none);
  EXPECT_EQ(r.data_out, UINT32_MAX);
}

// CHECK CONDITION of the kernel target: ILLEGAL REQUEST, INVALID COMMAND OPERATION CODE.
TEST(Rsp, CheckCondition) {
  auto sense = hex("700005000000000a000000002000000000 00");
  sense.resize(96);
  Response response;
  response.tag = Tag{{0x33}};
  response.req_lim_delta = 1;
  response.status = 2;
  response.sense = sense;
  std::byte iu[256];
  ASSERT_EQ(build_rsp(response, iu), 132u);
  EXPECT_EQ(
      to_hex(std::span(iu).first(54)),
      to_hex(hex("c100000000000001330000000000000000000202000000000000000000000060000000007000"
                 "05000000000a00000000200000000000")));
  const auto parsed = parse_rsp(std::span(iu).first(132));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->status, 2);
  EXPECT_EQ(parsed->sense.size(), 96u);
  EXPECT_EQ(parsed->req_lim_delta, 1);
  EXPECT_FALSE(parsed->code);
  EXPECT_FALSE(parse_rsp(std::span(iu).first(131)));
  EXPECT_EQ(build_rsp(response, std::span(iu).first(131)), 0u);
}

TEST(Rsp, TaskManagementComplete) {
  const auto expected = hex(
      "c1000000 00000001 0100008000000000 0000 01 00 00000000 00000000 00000000 00000004 00000000");
  Response response;
  response.tag = Tag{{1, 0, 0, 0x80}};
  response.req_lim_delta = 1;
  response.code = ResponseCode::no_failure;
  std::byte iu[64];
  const std::size_t length = build_rsp(response, iu);
  EXPECT_EQ(to_hex({iu, length}), to_hex(expected));
  const auto parsed = parse_rsp(expected);
  ASSERT_TRUE(parsed && parsed->code);
  EXPECT_EQ(*parsed->code, ResponseCode::no_failure);
}

TEST(Rsp, NegativeDeltaSolicitedAndResiduals) {
  Response response;
  response.req_lim_delta = -3;
  response.solicited = true;
  response.residual = {wire::srp::diunder | wire::srp::doover, 5, 0x18};
  std::byte iu[36];
  ASSERT_EQ(build_rsp(response, iu), 36u);
  const auto parsed = parse_rsp(iu);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->req_lim_delta, -3);
  EXPECT_TRUE(parsed->solicited);
  EXPECT_EQ(parsed->residual.flags, wire::srp::diunder | wire::srp::doover);
  EXPECT_EQ(parsed->residual.data_out, 5u);
  EXPECT_EQ(parsed->residual.data_in, 0x18u);
}

TEST(Rsp, LyingLengths) {
  auto iu =
      hex("c100000000000001 3300000000000000 0000 03 02 00000000 00000000 ffffffff ffffffff 0000");
  EXPECT_FALSE(parse_rsp(iu));
  iu[18] = std::byte{0};  // not valid: the lengths do not count
  EXPECT_TRUE(parse_rsp(iu));
  iu[0] = std::byte{0xc0};
  EXPECT_FALSE(parse_rsp(iu));
}

TEST(TskMgmt, LunReset) {
  const auto iu =
      hex("0100000000000000 0100008000000000 00000000 0000000000000000 0000 08 00 ffffffff00000000"
          "0000000000000000");
  const auto request = parse_tsk_mgmt(iu);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->function, TaskFunction::lun_reset);
  EXPECT_EQ(request->task_tag, (Tag{{0xff, 0xff, 0xff, 0xff}}));
  EXPECT_EQ(to_hex(wire::bytes_of(build_tsk_mgmt(*request))), to_hex(iu));
  EXPECT_FALSE(parse_tsk_mgmt(std::span(iu).first(47)));
}

TEST(ShortIus, Layouts) {
  const Tag tag{{1, 2, 3, 4, 5, 6, 7, 8}};
  EXPECT_EQ(to_hex(wire::bytes_of(build_i_logout(tag))), "03000000000000000102030405060708");
  EXPECT_EQ(to_hex(wire::bytes_of(build_t_logout(LogoutReason::invalid_iu_length, true, tag))),
            "80010000000000080102030405060708");
  EXPECT_EQ(to_hex(wire::bytes_of(build_cred_req({tag, -2, false}))),
            "81000000fffffffe0102030405060708");
  EXPECT_EQ(to_hex(wire::bytes_of(build_cred_rsp(tag))), "41000000000000000102030405060708");
  EXPECT_EQ(to_hex(wire::bytes_of(build_aer_rsp(tag))), "42000000000000000102030405060708");
  const auto logout = hex("80000000000000020102030405060708");
  EXPECT_EQ(parse_t_logout(logout), LogoutReason::invalid_iu_type);
  EXPECT_FALSE(parse_t_logout(std::span(logout).first(15)));
  const auto credits = hex("81010000000000400102030405060708");
  ASSERT_TRUE(parse_cred_req(credits));
  EXPECT_EQ(parse_cred_req(credits)->req_lim_delta, 64);
  EXPECT_TRUE(parse_cred_req(credits)->solicited);
  EXPECT_FALSE(parse_cred_req(std::span(credits).first(15)));
  EXPECT_EQ(parse_short(credits), tag);
  EXPECT_FALSE(parse_short(std::span(credits).first(15)));
  EXPECT_FALSE(opcode_of({}));
}

TEST(AerReq, RoundTripAndLies) {
  const auto sense = hex("720629000000000000");
  std::byte iu[64];
  const AsyncEvent event{Tag{{5}}, 1, false, 0x0001000000000000u, sense};
  const std::size_t length = build_aer_req(event, iu);
  ASSERT_EQ(length, 36u + sense.size());
  const auto parsed = parse_aer_req({iu, length});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->lun, event.lun);
  EXPECT_EQ(to_hex(parsed->sense), to_hex(sense));
  EXPECT_FALSE(parse_aer_req({iu, length - 1}));
  EXPECT_EQ(build_aer_req(event, std::span(iu).first(length - 1)), 0u);
}

}  // namespace
}  // namespace srpd::srp
