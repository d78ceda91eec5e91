/* Preloaded in front of libumad2sim into programs that also want what only a kernel with an
 * adapter has: a verbs device, the sysfs file link_layer, a class scsi_host. Just enough of each
 * for srp_daemon (-o) and ibsrpdm to start, and for srpd to see the adapter's identifiers.
 *
 * And one difference between the two ways of delivery: srp_daemon asks with class 6 through its
 * agent of class 3; the kernel brings the answers back by transaction ID, libumad2sim by class, so
 * the agent is registered for both.
 *
 * REFUSE_AGENT=1: registering class 6 fails as it does where the kernel has another agent. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <infiniband/umad.h>
#include <infiniband/umad_types.h>
#include <infiniband/verbs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#undef ibv_query_port
#undef ibv_reg_mr

static const char name[] = "ibsim0"; /* as libumad2sim calls every adapter */

static struct ibv_device device;
static struct ibv_context context;
static struct ibv_cq queue;
static struct ibv_qp pair;

static int notify_never(struct ibv_cq* cq, int solicited) { return 0; }
static int receive_never(struct ibv_qp* qp, struct ibv_recv_wr* work, struct ibv_recv_wr** bad) {
  return 0;
}

struct ibv_device** ibv_get_device_list(int* count) {
  struct ibv_device** list = calloc(2, sizeof *list);
  strcpy(device.name, name);
  list[0] = &device;
  if (count) *count = 1;
  return list;
}
void ibv_free_device_list(struct ibv_device** list) { free(list); }
const char* ibv_get_device_name(struct ibv_device* which) { return which->name; }

struct ibv_context* ibv_open_device(struct ibv_device* which) {
  context.device = which;
  context.ops.req_notify_cq = notify_never;
  context.ops.post_recv = receive_never;
  queue.context = pair.context = &context;
  return &context;
}
int ibv_close_device(struct ibv_context* which) { return 0; }

/* A ConnectX, as in the listing of LIO's wiki. */
int ibv_query_device(struct ibv_context* which, struct ibv_device_attr* attributes) {
  memset(attributes, 0, sizeof *attributes);
  attributes->vendor_id = 0x2c9;
  attributes->vendor_part_id = 0x673c;
  attributes->hw_ver = 0xb0;
  attributes->phys_port_cnt = 1;
  return 0;
}

int ibv_query_port(struct ibv_context* which, uint8_t number, struct _compat_ibv_port_attr* out) {
  struct ibv_port_attr* attributes = (struct ibv_port_attr*)out;
  umad_port_t port;
  if (umad_get_port(name, number, &port)) return ENODEV;
  attributes->lid = port.base_lid;
  attributes->sm_lid = port.sm_lid;
  attributes->state = IBV_PORT_ACTIVE;
  umad_release_port(&port);
  return 0;
}
int ibv_query_pkey(struct ibv_context* which, uint8_t number, int index, __be16* pkey) {
  *pkey = 0xffff;
  return index == 0 ? 0 : -1; /* srp_daemon ends its loop at a negative value only */
}
int ibv_get_pkey_index(struct ibv_context* which, uint8_t number, __be16 pkey) {
  return pkey == 0xffff ? 0 : -1;
}

struct ibv_comp_channel* ibv_create_comp_channel(struct ibv_context* which) {
  return calloc(1, sizeof(struct ibv_comp_channel));
}
int ibv_destroy_comp_channel(struct ibv_comp_channel* channel) {
  free(channel);
  return 0;
}
struct ibv_pd* ibv_alloc_pd(struct ibv_context* which) { return calloc(1, sizeof(struct ibv_pd)); }
int ibv_dealloc_pd(struct ibv_pd* domain) {
  free(domain);
  return 0;
}
struct ibv_mr* ibv_reg_mr(struct ibv_pd* domain, void* at, size_t length, int access) {
  return calloc(1, sizeof(struct ibv_mr));
}
int ibv_dereg_mr(struct ibv_mr* region) {
  free(region);
  return 0;
}
struct ibv_cq* ibv_create_cq(struct ibv_context* which, int entries, void* own,
                             struct ibv_comp_channel* channel, int vector) {
  return &queue;
}
int ibv_destroy_cq(struct ibv_cq* which) { return 0; }
struct ibv_qp* ibv_create_qp(struct ibv_pd* domain, struct ibv_qp_init_attr* attributes) {
  return &pair;
}
int ibv_modify_qp(struct ibv_qp* which, struct ibv_qp_attr* attributes, int mask) { return 0; }
int ibv_destroy_qp(struct ibv_qp* which) { return 0; }

int umad_register(int port, int class, int version, uint8_t rmpp, long* methods) {
  static int (*next)(int, int, int, uint8_t, long*);
  if (!next) next = (int (*)(int, int, int, uint8_t, long*))dlsym(RTLD_NEXT, "umad_register");
  if (class == UMAD_CLASS_DEVICE_MGMT && methods && getenv("REFUSE_AGENT")) {
    errno = EINVAL;
    return -EINVAL;
  }
  int agent = next(port, class, version, rmpp, methods);
  if (agent >= 0 && class == UMAD_CLASS_SUBN_ADM) next(port, UMAD_CLASS_DEVICE_MGMT, 1, 0, NULL);
  return agent;
}

static int ends_with(const char* text, const char* end) {
  size_t length = strlen(text), wanted = strlen(end);
  return length >= wanted && !strcmp(text + length - wanted, end);
}

static int file_with(const char* text) {
  int fd = memfd_create("shim", 0);
  if (fd >= 0 && write(fd, text, strlen(text)) > 0) lseek(fd, 0, SEEK_SET);
  return fd;
}

int open(const char* path, int flags, ...) {
  static int (*next)(const char*, int, ...);
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  if (!strncmp(path, "/sys/class/infiniband/", 22) && ends_with(path, "/link_layer"))
    return file_with("InfiniBand\n");
  if (!next) next = (int (*)(const char*, int, ...))dlsym(RTLD_NEXT, "open");
  return next(path, flags, mode);
}

DIR* opendir(const char* path) {
  static DIR* (*next)(const char*);
  if (!next) next = (DIR * (*)(const char*)) dlsym(RTLD_NEXT, "opendir");
  DIR* folder = next(path);
  /* Any folder without SCSI hosts in it. */
  if (!folder && !strcmp(path, "/sys/class/scsi_host/")) folder = next("/proc/self/ns");
  if (!folder && !strcmp(path, "/sys/class/scsi_host")) folder = next("/proc/self/ns");
  return folder;
}
