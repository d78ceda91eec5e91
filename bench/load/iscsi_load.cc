// Load for an iSCSI target, for bench/compare: random or sequential reads or writes with a fixed
// number under way, on one connection, through libiscsi. iscsi-perf cannot write and shows no
// latencies.
//
//   iscsi_load URL read|write random|sequential BLOCK_BYTES DEPTH SECONDS
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "samples.h"

namespace {

using bench::Clock;

struct Run {
  iscsi_context* iscsi = nullptr;
  int lun = 0;
  bool write = false;
  bool random = false;
  std::uint32_t block_bytes = 0;
  std::uint64_t positions = 0;  ///< blocks of block_bytes on the disk
  std::uint64_t next = 0;
  std::uint64_t state = 1;
  std::uint32_t under_way = 0;
  bool stopping = false;
  bench::Samples samples;
};

struct Slot {
  Run* run = nullptr;
  std::vector<unsigned char> buffer;
  scsi_iovec iov{};
  Clock::time_point start;
};

void start(Slot& slot);

void done(iscsi_context* iscsi, int status, void* command, void* context) {
  Slot& slot = *static_cast<Slot*>(context);
  if (status != SCSI_STATUS_GOOD) {
    std::fprintf(stderr, "iscsi_load: status %d: %s\n", status, iscsi_get_error(iscsi));
    std::exit(1);
  }
  scsi_free_scsi_task(static_cast<scsi_task*>(command));
  Run& run = *slot.run;
  run.samples.add(Clock::now() - slot.start);
  --run.under_way;
  if (!run.stopping) start(slot);
}

std::uint64_t next_position(Run& run) {
  if (!run.random) return run.next++ % run.positions;
  run.state = run.state * 6364136223846793005u + 1442695040888963407u;
  return (run.state >> 16) % run.positions;
}

void start(Slot& slot) {
  Run& run = *slot.run;
  const std::uint64_t lba = next_position(run) * (run.block_bytes / 512);
  slot.start = Clock::now();
  scsi_task* const task =
      run.write ? iscsi_write16_iov_task(run.iscsi, run.lun, lba, nullptr, run.block_bytes, 512, 0,
                                         0, 0, 0, 0, done, &slot, &slot.iov, 1)
                : iscsi_read16_iov_task(run.iscsi, run.lun, lba, run.block_bytes, 512, 0, 0, 0, 0,
                                        0, done, &slot, &slot.iov, 1);
  if (task == nullptr) {
    std::fprintf(stderr, "iscsi_load: cannot send: %s\n", iscsi_get_error(run.iscsi));
    std::exit(1);
  }
  ++run.under_way;
}

void service(Run& run) {
  pollfd entry{iscsi_get_fd(run.iscsi), static_cast<short>(iscsi_which_events(run.iscsi)), 0};
  if (poll(&entry, 1, 1000) < 0 || iscsi_service(run.iscsi, entry.revents) != 0) {
    std::fprintf(stderr, "iscsi_load: %s\n", iscsi_get_error(run.iscsi));
    std::exit(1);
  }
}

bool log_in(Run& run, const char* url_text) {
  run.iscsi = iscsi_create_context("iqn.2000-01.bench:load");
  iscsi_url* const url = iscsi_parse_full_url(run.iscsi, url_text);
  if (url == nullptr) return false;
  iscsi_set_targetname(run.iscsi, url->target);
  iscsi_set_session_type(run.iscsi, ISCSI_SESSION_NORMAL);
  iscsi_set_header_digest(run.iscsi, ISCSI_HEADER_DIGEST_NONE);
  iscsi_set_immediate_data(run.iscsi, ISCSI_IMMEDIATE_DATA_YES);
  iscsi_set_initial_r2t(run.iscsi, ISCSI_INITIAL_R2T_NO);
  run.lun = url->lun;
  if (iscsi_full_connect_sync(run.iscsi, url->portal, url->lun) != 0) return false;
  iscsi_destroy_url(url);

  scsi_task* const task = iscsi_readcapacity16_sync(run.iscsi, run.lun);
  if (task == nullptr || task->status != SCSI_STATUS_GOOD) return false;
  const auto* capacity = static_cast<scsi_readcapacity16*>(scsi_datain_unmarshall(task));
  if (capacity == nullptr || capacity->block_length != 512) return false;
  run.positions = (capacity->returned_lba + 1) * 512 / run.block_bytes;
  scsi_free_scsi_task(task);
  return run.positions > 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr,
                 "usage: iscsi_load URL read|write random|sequential BLOCK_BYTES DEPTH SECONDS\n");
    return 2;
  }
  Run run;
  run.write = std::string(argv[2]) == "write";
  run.random = std::string(argv[3]) == "random";
  run.block_bytes = static_cast<std::uint32_t>(std::atoi(argv[4]));
  const auto depth = static_cast<std::size_t>(std::atoi(argv[5]));
  const double seconds = std::atof(argv[6]);
  if (!log_in(run, argv[1])) {
    std::fprintf(stderr, "iscsi_load: %s: %s\n", argv[1], iscsi_get_error(run.iscsi));
    return 1;
  }

  std::vector<Slot> slots(depth);
  const auto begin = Clock::now();
  for (Slot& slot : slots) {
    slot.run = &run;
    slot.buffer.assign(run.block_bytes, 'x');
    slot.iov = {slot.buffer.data(), slot.buffer.size()};
    start(slot);
  }
  while (bench::seconds_since(begin) < seconds) service(run);
  run.stopping = true;
  while (run.under_way > 0) service(run);
  run.samples.print(run.samples.count() * run.block_bytes, bench::seconds_since(begin));
  iscsi_logout_sync(run.iscsi);
  iscsi_destroy_context(run.iscsi);
  return 0;
}
