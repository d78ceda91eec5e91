/* Preloaded into ibsim, which cannot be told the capabilities of a port: sees to it that the port
 * with the LID $SERVER_LID has IsDeviceManagementSupported, and that its IsSM stays hidden.
 *
 * IsSM: ibsim passes requests of other hosts only to a process that opened its port as a subnet
 * manager (SIM_SET_ISSM=1). opensm would then ask that port for its SMInfo, a class for which the
 * process has no agent, and libumad2sim does not survive such a MAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <infiniband/mad.h>
#include <stdlib.h>

#define IS_SM (1u << 1)
#define IS_DEVICE_MANAGEMENT_SUPPORTED (1u << 19)

typedef void set_function(void*, int, enum MAD_FIELDS, uint32_t);
typedef uint32_t get_function(void*, int, enum MAD_FIELDS);

/* ibsim builds each PortInfo field by field; the capability mask is there before the LID. */
void mad_set_field(void* data, int base, enum MAD_FIELDS field, uint32_t value) {
  static set_function* set;
  static get_function* get;
  if (!set) {
    set = (set_function*)dlsym(RTLD_NEXT, "mad_set_field");
    get = (get_function*)dlsym(RTLD_NEXT, "mad_get_field");
  }
  set(data, base, field, value);
  const char* lid = getenv("SERVER_LID");
  if (field != IB_PORT_LID_F || !lid || value != strtoul(lid, NULL, 0)) return;
  uint32_t mask = get(data, base, IB_PORT_CAPMASK_F);
  set(data, base, IB_PORT_CAPMASK_F, (mask | IS_DEVICE_MANAGEMENT_SUPPORTED) & ~IS_SM);
}
