/* Reads the first MiB of a disk with several commands under way, and prints a checksum.
 *
 *   copy_blocks srp://192.0.2.1/0
 *
 * Build: cc copy_blocks.c $(pkg-config --cflags --libs srp)
 */
#include <errno.h>
#include <poll.h>
#include <srp/libsrp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { chunks = 16, chunk_bytes = 64 * 1024 };

struct chunk {
  unsigned char data[chunk_bytes];
  int* under_way;
  int failed;
};

static void done(void* context, const struct srp_result* result) {
  struct chunk* chunk = context;
  chunk->failed = result->error != 0 || result->status != 0;
  --*chunk->under_way;
}

/* READ (16): operation code, flags, LBA (8 bytes), blocks (4 bytes). */
static void make_read(unsigned char cdb[16], uint64_t lba, uint32_t blocks) {
  memset(cdb, 0, 16);
  cdb[0] = 0x88;
  for (int i = 0; i < 8; ++i) cdb[2 + i] = (unsigned char)(lba >> (56 - 8 * i));
  for (int i = 0; i < 4; ++i) cdb[10 + i] = (unsigned char)(blocks >> (24 - 8 * i));
}

static int read_all(struct srp_connection* disk, struct chunk* all, uint32_t block_size) {
  const uint32_t blocks = chunk_bytes / block_size;
  int under_way = 0;
  for (int i = 0; i < chunks; ++i) {
    unsigned char cdb[16];
    make_read(cdb, (uint64_t)i * blocks, blocks);
    all[i].under_way = &under_way;
    const struct srp_command command = {.lun = SRP_URL_LUN,
                                        .cdb = cdb,
                                        .cdb_length = sizeof cdb,
                                        .data_in = all[i].data,
                                        .data_in_length = chunk_bytes,
                                        .repeatable = 1};
    if (srp_submit(disk, &command, done, &all[i]) != 0) return -1;
    ++under_way;
  }
  /* A program with an event loop of its own adds srp_fd() to it. */
  while (under_way > 0) {
    struct pollfd fd = {.fd = srp_fd(disk), .events = POLLIN};
    if (poll(&fd, 1, -1) < 0 && errno != EINTR) return -1;
    srp_service(disk);
  }
  for (int i = 0; i < chunks; ++i)
    if (all[i].failed) return -1;
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s srp://HOST[:PORT]/LUN\n", argv[0]);
    return 2;
  }
  struct srp_connection* disk = srp_connect(argv[1], NULL);
  if (disk == NULL) {
    fprintf(stderr, "%s\n", srp_connect_error());
    return 1;
  }
  int code = 1;
  struct srp_capacity capacity;
  struct chunk* all = calloc(chunks, sizeof *all);
  if (all == NULL) {
    perror("calloc");
  } else if (srp_read_capacity(disk, &capacity) != 0) {
    fprintf(stderr, "%s: %s\n", argv[1], srp_error(disk));
  } else if (capacity.blocks * capacity.block_size < (uint64_t)chunks * chunk_bytes) {
    fprintf(stderr, "%s: smaller than a MiB\n", argv[1]);
  } else if (read_all(disk, all, capacity.block_size) != 0) {
    fprintf(stderr, "%s: reading failed: %s\n", argv[1], srp_error(disk));
  } else {
    unsigned long sum = 0;
    for (int i = 0; i < chunks; ++i)
      for (int j = 0; j < chunk_bytes; ++j) sum = sum * 31 + all[i].data[j];
    printf("%s: %llu blocks of %u bytes, checksum of the first MiB %lx\n", argv[1],
           (unsigned long long)capacity.blocks, capacity.block_size, sum);
    code = 0;
  }
  free(all);
  srp_disconnect(disk);
  return code;
}
