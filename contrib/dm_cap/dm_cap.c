// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm_cap: marks InfiniBand ports as able to answer Device Management.
 *
 * Hosts that look for I/O controllers (ibsrpdm, srp_daemon) ask the subnet
 * administrator for ports with the capability IsDeviceManagementSupported and
 * pass all others by. The bit belongs to the port's driver, and no interface of
 * the kernel lets a process change it. This module does that one thing, for as
 * long as it is loaded; the answers come from a process such as srpd.
 *
 *   ports=DEVICE[:PORT][,...]   which ports (default: every InfiniBand port)
 *
 * Writing DEVICE[:PORT] or "all" to the parameter `announce` takes the bit away
 * and sets it again. The port then tells the subnet manager of the change (trap
 * 144), which tells the hosts that asked to be told, and they look again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <rdma/ib_mad.h>
#include <rdma/ib_verbs.h>

static char *ports = "";
module_param(ports, charp, 0444);
MODULE_PARM_DESC(ports, "DEVICE[:PORT],... to mark; default: every InfiniBand port");

/* A port that carries the bit because of us. */
struct marked_port {
	struct list_head list;
	struct ib_device *device;
	u32 number;
};

static LIST_HEAD(marked);
static DEFINE_MUTEX(marked_lock);

/* Whether WORD (of LENGTH characters) names this port. */
static bool names(const char *word, size_t length, const char *device, u32 number)
{
	const char *colon = memchr(word, ':', length);
	size_t device_length = colon ? colon - word : length;
	unsigned int wanted;
	char digits[12] = "";

	if (device_length != strlen(device) || strncmp(word, device, device_length))
		return false;
	if (!colon)
		return true;
	length -= device_length + 1;
	if (!length || length >= sizeof(digits))
		return false;
	memcpy(digits, colon + 1, length);
	return !kstrtouint(digits, 10, &wanted) && wanted == number;
}

static bool in_list(const char *list, const char *device, u32 number)
{
	while (*list) {
		size_t length = strcspn(list, ",\n");

		if (length && names(list, length, device, number))
			return true;
		list += length;
		list += *list != '\0';
	}
	return false;
}

static int set_bit_of(struct ib_device *device, u32 number, bool on)
{
	struct ib_port_modify change = {
		.set_port_cap_mask = on ? IB_PORT_DEVICE_MGMT_SUP : 0,
		.clr_port_cap_mask = on ? 0 : IB_PORT_DEVICE_MGMT_SUP,
	};
	int error = ib_modify_port(device, number, 0, &change);

	if (error)
		pr_warn("%s port %u: the driver does not change IsDeviceManagementSupported (error %d)\n",
			dev_name(&device->dev), number, error);
	return error;
}

/* Not one of somebody else's, who would miss it when we go. */
static bool has_bit(struct ib_device *device, u32 number)
{
	struct ib_port_attr attributes;

	return !ib_query_port(device, number, &attributes) &&
	       attributes.port_cap_flags & IB_PORT_DEVICE_MGMT_SUP;
}

static void mark(struct ib_device *device, u32 number)
{
	struct marked_port *port;

	if (has_bit(device, number))
		return;
	port = kzalloc(sizeof(*port), GFP_KERNEL);
	if (!port)
		return;
	if (set_bit_of(device, number, true)) {
		kfree(port);
		return;
	}
	port->device = device;
	port->number = number;
	mutex_lock(&marked_lock);
	list_add_tail(&port->list, &marked);
	mutex_unlock(&marked_lock);
}

static int device_added(struct ib_device *device)
{
	u32 number;

	rdma_for_each_port(device, number) {
		if (!rdma_protocol_ib(device, number))
			continue;
		if (*ports && !in_list(ports, dev_name(&device->dev), number))
			continue;
		mark(device, number);
	}
	return 0;
}

static void device_removed(struct ib_device *device, void *data)
{
	struct marked_port *port, *next;

	mutex_lock(&marked_lock);
	list_for_each_entry_safe(port, next, &marked, list) {
		if (port->device != device)
			continue;
		set_bit_of(device, port->number, false);
		list_del(&port->list);
		kfree(port);
	}
	mutex_unlock(&marked_lock);
}

/* The lock keeps the devices from going away: device_removed() waits for it. */
static int announce(const char *value, const struct kernel_param *parameter)
{
	struct marked_port *port;
	int error = -ENODEV;

	mutex_lock(&marked_lock);
	list_for_each_entry(port, &marked, list) {
		if (!sysfs_streq(value, "all") &&
		    !in_list(value, dev_name(&port->device->dev), port->number))
			continue;
		error = set_bit_of(port->device, port->number, false);
		if (!error)
			error = set_bit_of(port->device, port->number, true);
		if (error)
			break;
	}
	mutex_unlock(&marked_lock);
	return error;
}

static const struct kernel_param_ops announce_ops = { .set = announce };
module_param_cb(announce, &announce_ops, NULL, 0200);
MODULE_PARM_DESC(announce, "write DEVICE[:PORT] or all: make hosts look again");

static struct ib_client client = {
	.name = "dm_cap",
	.add = device_added,
	.remove = device_removed,
};

static int __init dm_cap_start(void)
{
	return ib_register_client(&client);
}

static void __exit dm_cap_end(void)
{
	ib_unregister_client(&client);
}

module_init(dm_cap_start);
module_exit(dm_cap_end);
MODULE_DESCRIPTION("Marks InfiniBand ports as able to answer Device Management");
MODULE_LICENSE("GPL");
