// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes InfiniBand ports of a copy of the rxe driver, for tests inside one
 * kernel. vm/build-infiniband changes the driver's sources so that they call what
 * is here.
 *
 * rxe wraps every packet in UDP and IPv4. That stays, because its code counts on
 * the headers, but they never see a network: the IPv4 address 10.0.0.N stands for
 * LID N, and rxe_ib_switch() hands a packet to the device with that LID.
 */
#include "rxe_ib.h"

#include <linux/ip.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/udp.h>
#include <linux/version.h>

#include "rxe.h"
#include "rxe_loc.h"
#include "rxe_net.h"

#define LIDS 256
#define NETWORK 0x0a000000u
#define ROCE_PORT 4791

static unsigned int sm_lid = 1;
module_param(sm_lid, uint, 0444);
MODULE_PARM_DESC(sm_lid, "LID of the port whose QP1 answers for the subnet administrator");

/* A real port would send trap 144 each time; here the subnet administrator looks at the counts. */
static unsigned int local_changes[LIDS];
module_param_array(local_changes, uint, NULL, 0444);
MODULE_PARM_DESC(local_changes, "changes of the capability mask, by LID");

/* The switch's forwarding table. */
static struct {
  struct rxe_dev* rxe;
  struct net_device* ndev;
} table[LIDS];
static DEFINE_SPINLOCK(table_lock);

static __be32 address_of(u16 lid) { return cpu_to_be32(NETWORK | lid); }

static u16 lid_of(__be32 address) { return be32_to_cpu(address) & 0xffff; }

/* ---- devices ---- */

void rxe_ib_attach(struct rxe_dev* rxe, struct net_device* ndev) {
  struct ib_port_attr* attr = &rxe->port.attr;
  u16 lid = ndev->dev_addr[ETH_ALEN - 1];
  unsigned long flags;

  attr->lid = lid;
  attr->sm_lid = sm_lid;
  attr->gid_tbl_len = 1;
  attr->subnet_timeout = 16;
  attr->port_cap_flags = IB_PORT_CM_SUP | IB_PORT_CAP_MASK_NOTICE_SUP;
  /* One more than the node's GUID, as on most adapters. */
  be64_add_cpu(&rxe->port.port_guid, 1);

  spin_lock_irqsave(&table_lock, flags);
  table[lid].rxe = rxe;
  table[lid].ndev = ndev;
  spin_unlock_irqrestore(&table_lock, flags);
}

void rxe_ib_detach(struct ib_device* device) {
  struct rxe_dev* rxe = to_rdev(device);
  u16 lid = rxe->port.attr.lid % LIDS;
  unsigned long flags;

  spin_lock_irqsave(&table_lock, flags);
  /* A newer device may have taken the LID over. */
  if (table[lid].rxe == rxe) table[lid].rxe = NULL;
  spin_unlock_irqrestore(&table_lock, flags);
}

struct net_device* rxe_ib_netdev(struct rxe_dev* rxe) {
  return table[rxe->port.attr.lid % LIDS].ndev;
}

/* ---- verbs ---- */

enum rdma_link_layer rxe_ib_link_layer(struct ib_device* device, u32 port) {
  return IB_LINK_LAYER_INFINIBAND;
}

/* All that an InfiniBand port can, but for QP0: rxe has no such queue pair. */
int rxe_ib_port_immutable(struct ib_device* device, u32 port, struct ib_port_immutable* immutable) {
  struct ib_port_attr attr = {};
  int error = ib_query_port(device, port, &attr);

  if (error) return error;
  immutable->gid_tbl_len = attr.gid_tbl_len;
  immutable->pkey_tbl_len = attr.pkey_tbl_len;
  immutable->max_mad_size = IB_MGMT_MAD_SIZE;
  immutable->core_cap_flags = RDMA_CORE_CAP_PROT_IB | RDMA_CORE_CAP_IB_MAD | RDMA_CORE_CAP_IB_SA |
                              RDMA_CORE_CAP_IB_CM | RDMA_CORE_CAP_AF_IB;
  return 0;
}

int rxe_ib_query_gid(struct ib_device* device, u32 port, int index, union ib_gid* gid) {
  gid->global.subnet_prefix = cpu_to_be64(0xfe80ULL << 48);
  gid->global.interface_id = to_rdev(device)->port.port_guid;
  return 0;
}

int rxe_ib_modify_port(struct ib_device* device, u32 port, int mask,
                       struct ib_port_modify* change) {
  struct ib_port_attr* attr = &to_rdev(device)->port.attr;

  attr->port_cap_flags |= change->set_port_cap_mask;
  attr->port_cap_flags &= ~change->clr_port_cap_mask;
  if (change->set_port_cap_mask | change->clr_port_cap_mask) local_changes[attr->lid % LIDS]++;
  return 0;
}

int rxe_ib_speed(u16* speed, u8* width) {
  *speed = IB_SPEED_QDR;
  *width = IB_WIDTH_4X;
  return 0;
}

/* ---- address vectors: a LID instead of a GID with an IP address in it ---- */

static int check_attributes(struct rdma_ah_attr* attr) {
  return rdma_ah_get_dlid(attr) ? 0 : -EINVAL;
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
int rxe_av_chk_attr(struct rxe_dev* rxe, struct rdma_ah_attr* attr) {
  return check_attributes(attr);
}
#else
int rxe_av_chk_attr(struct rxe_qp* qp, struct rdma_ah_attr* attr) { return check_attributes(attr); }

int rxe_ah_chk_attr(struct rxe_ah* ah, struct rdma_ah_attr* attr) { return check_attributes(attr); }
#endif

void rxe_av_from_attr(u8 port_num, struct rxe_av* av, struct rdma_ah_attr* attr) {
  memset(av, 0, sizeof(*av));
  av->port_num = port_num;
  av->network_type = RXE_NETWORK_TYPE_IPV4;
  av->grh.hop_limit = 64;
  if (rdma_ah_get_ah_flags(attr) & IB_AH_GRH) {
    const struct ib_global_route* route = rdma_ah_read_grh(attr);

    memcpy(av->grh.dgid.raw, route->dgid.raw, sizeof(route->dgid.raw));
    av->grh.traffic_class = route->traffic_class;
    av->grh.flow_label = route->flow_label;
  }
  av->dgid_addr._sockaddr_in.sin_family = AF_INET;
  av->dgid_addr._sockaddr_in.sin_addr.s_addr = address_of(rdma_ah_get_dlid(attr));
}

void rxe_init_av(struct rdma_ah_attr* attr, struct rxe_av* av) {
  rxe_av_from_attr(rdma_ah_get_port_num(attr), av, attr);
}

void rxe_av_to_attr(struct rxe_av* av, struct rdma_ah_attr* attr) {
  attr->type = RDMA_AH_ATTR_TYPE_IB;
  rdma_ah_set_port_num(attr, av->port_num);
  rdma_ah_set_ah_flags(attr, 0);
  rdma_ah_set_dlid(attr, lid_of(av->dgid_addr._sockaddr_in.sin_addr.s_addr));
}

/* ---- packets ---- */

int rxe_prepare(struct rxe_av* av, struct rxe_pkt_info* pkt, struct sk_buff* skb) {
  struct udphdr* udp = skb_push(skb, sizeof(*udp));
  struct iphdr* ip;

  *udp = (struct udphdr){
      .source = cpu_to_be16(pkt->qp->src_port),
      .dest = cpu_to_be16(ROCE_PORT),
      .len = cpu_to_be16(skb->len),
  };
  skb_reset_transport_header(skb);

  ip = skb_push(skb, sizeof(*ip));
  *ip = (struct iphdr){
      .version = IPVERSION,
      .ihl = sizeof(*ip) / 4,
      .tot_len = cpu_to_be16(skb->len),
      .ttl = 64,
      .protocol = IPPROTO_UDP,
      .saddr = address_of(pkt->rxe->port.attr.lid),
      .daddr = av->dgid_addr._sockaddr_in.sin_addr.s_addr,
  };
  skb_reset_network_header(skb);

  /* Takes the driver's way through memory, which ends in rxe_ib_switch(). */
  pkt->mask |= RXE_LOOPBACK_MASK;
  return 0;
}

/* The device with this LID, held until its ib_device_put(), or NULL. */
static struct rxe_dev* find(u16 lid) {
  struct rxe_dev* rxe = NULL;
  unsigned long flags;

  if (lid >= LIDS) return NULL;
  spin_lock_irqsave(&table_lock, flags);
  if (table[lid].rxe && ib_device_try_get(&table[lid].rxe->ib_dev)) rxe = table[lid].rxe;
  spin_unlock_irqrestore(&table_lock, flags);
  return rxe;
}

/* Consumes the packet. One to nobody is lost, as in a network. */
int rxe_ib_switch(struct sk_buff* skb, struct rxe_pkt_info* pkt) {
  struct rxe_dev* to = find(lid_of(ip_hdr(skb)->daddr));
  struct rxe_pkt_info* received = SKB_TO_PKT(skb);

  if (!to) {
    kfree_skb(skb);
    return 0;
  }
  *received = *pkt;
  received->rxe = to;
  skb->dev = rxe_ib_netdev(to);
  skb_pull(skb, sizeof(struct iphdr) + sizeof(struct udphdr));
  /* Puts the device when it is done with the packet. */
  rxe_rcv(skb);
  return 0;
}

u16 rxe_ib_source_lid(struct sk_buff* skb) { return lid_of(ip_hdr(skb)->saddr); }
