// REQUEST SENSE: SPC-5 6.39.
#include "disks.h"

namespace srpd::test {
namespace {

DecodedSense request_from(ScsiDevice& disk, unsigned flags, std::optional<std::uint64_t> lun = {}) {
  const ScsiReply reply =
      disk.execute({.cdb = bytes({0x03, flags, 0, 0, 252, 0}), .data_in_length = 252, .lun = lun});
  expect_good(reply);
  return decode_sense(reply.data_in).value_or(DecodedSense{});
}

class RequestSense : public OnEveryDisk {
 protected:
  DecodedSense request(unsigned flags, std::optional<std::uint64_t> lun = {}) {
    return request_from(disk(), flags, lun);
  }
};
SRPD_ON_EVERY_DISK(RequestSense);

TEST_P(RequestSense, NothingToSayInBothFormats) {
  EXPECT_EQ(request(0).response_code, 0x70);
  EXPECT_EQ(request(1).response_code, 0x72);
  EXPECT_EQ(request(1).key, 0);
  EXPECT_EQ(request(1).code, 0);
}

TEST_P(RequestSense, DeliversAndClearsAUnitAttention) {
  const auto other = disk().another_host();
  const DecodedSense sense = request_from(*other, 1);
  EXPECT_EQ(sense.key, key::unit_attention);
  EXPECT_EQ(sense.code, 0x2900);
  expect_good(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}));
}

TEST_P(RequestSense, UnknownUnitIsInTheData) {
  const DecodedSense sense = request(0, 0x0001000000000000u);
  EXPECT_EQ(sense.key, key::illegal_request);
  EXPECT_EQ(sense.code, 0x2500);
}

TEST_P(RequestSense, StoppedUnitIsInTheData) {
  expect_good(disk().execute({.cdb = start_stop_cdb(false)}));
  const DecodedSense sense = request(0);
  EXPECT_EQ(sense.key, key::not_ready);
  EXPECT_EQ(sense.code, 0x0402);
}

TEST_P(RequestSense, IsCutToTheAllocationLength) {
  const ScsiReply reply =
      disk().execute({.cdb = bytes({0x03, 0, 0, 0, 4, 0}), .data_in_length = 252});
  EXPECT_EQ(reply.data_in.size(), 4u);
}

}  // namespace
}  // namespace srpd::test
