/* libsrp: SRP disks for programs, without a kernel initiator and without root.
 *
 * A connection (struct srp_connection) is a login at one target. Commands are started with a
 * callback, or sent and waited for. libsrp works on a thread of its own; callbacks run in the
 * program's thread, inside srp_service(): wait for srp_fd() to become readable, then call it.
 *
 * A connection is used by one thread at a time. Functions return 0 or a negative errno value
 * unless they say otherwise; srp_error() tells in words what went wrong.
 */
#ifndef SRP_LIBSRP_H
#define SRP_LIBSRP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct srp_connection;

struct srp_options {
  size_t size;                 /* sizeof(struct srp_options), set by srp_options_init() */
  const char* initiator_id;    /* 16 or 32 hexadecimal digits; NULL: derived from /etc/machine-id */
  uint32_t channels;           /* connections to the target; 1 */
  uint32_t queue_depth;        /* commands under way per channel; 128 */
  uint32_t max_requests;       /* commands known to libsrp at the same time; 1024 */
  uint32_t timeout_ms;         /* until a command without an answer is aborted; 30000 */
  uint32_t connect_timeout_ms; /* 10000 */
  uint32_t give_up_ms;         /* without a connection for this long it is over; 0: never */
};

void srp_options_init(struct srp_options* options);

/* Logs in to "srp://HOST[:PORT]/[TARGET]/LUN" and waits for it. `options` may be NULL. NULL when it
 * fails; then srp_connect_error() has the reason, until the thread connects again. Where the URL
 * names a LUN, it is the one that the functions below take as SRP_URL_LUN. */
struct srp_connection* srp_connect(const char* url, const struct srp_options* options);
const char* srp_connect_error(void);
/* Logs out. What is under way ends with -ENOTCONN; callbacks that are due are called. */
void srp_disconnect(struct srp_connection* connection);

/* The last error of a function with this connection. */
const char* srp_error(const struct srp_connection* connection);

#define SRP_URL_LUN UINT64_MAX
/* The eight bytes of LUN `number`, as srp_command takes them. */
uint64_t srp_lun(uint32_t number);

struct srp_result {
  int error;      /* 0: the target answered. -ECONNRESET: connection lost, the command may or may
                     not have been executed. -ETIMEDOUT, -ENOTCONN, -EMSGSIZE */
  uint8_t status; /* SCSI status; 0: GOOD */
  const uint8_t* sense; /* valid inside the callback, or until the next call when waiting */
  size_t sense_length;
  size_t received; /* valid bytes of data_in */
};

struct srp_command {
  uint64_t lun; /* SRP_URL_LUN, or eight bytes as srp_lun() makes them */
  const uint8_t* cdb;
  size_t cdb_length; /* 6 .. 32 */
  const void* data_out;
  size_t data_out_length;
  void* data_in;
  size_t data_in_length;
  int repeatable; /* executing it twice is the same as once: libsrp sends it again by itself after a
                     lost connection. Reads are; writes are as long as no other write to their
                     blocks is started before they end */
};

typedef void (*srp_callback)(void* context, const struct srp_result* result);

/* Starts a command. Buffers stay in place until the callback; the rest is copied. -EAGAIN: too many
 * at the same time, try again after a callback. */
int srp_submit(struct srp_connection* connection, const struct srp_command* command,
               srp_callback callback, void* context);
/* Readable when callbacks are due. */
int srp_fd(const struct srp_connection* connection);
/* Calls the callbacks that are due; the number of them. Never waits. */
int srp_service(struct srp_connection* connection);
/* The same, but waits for one at least, unless nothing is under way. */
int srp_wait(struct srp_connection* connection);

/* The waiting forms call callbacks of other commands meanwhile. Those below return -EIO when the
 * status is not GOOD; srp_error() has the sense data in words. */
int srp_execute(struct srp_connection* connection, const struct srp_command* command,
                struct srp_result* result);

struct srp_capacity {
  uint64_t blocks;
  uint32_t block_size; /* bytes */
};
int srp_read_capacity(struct srp_connection* connection, struct srp_capacity* capacity);
/* Blocks of the LUN of the URL. */
int srp_read(struct srp_connection* connection, uint64_t lba, uint32_t blocks, void* data,
             size_t length);
int srp_write(struct srp_connection* connection, uint64_t lba, uint32_t blocks, const void* data,
              size_t length);
/* SYNCHRONIZE CACHE: what was written is on stable media. */
int srp_flush(struct srp_connection* connection);

#ifdef __cplusplus
}
#endif

#endif
