/* SPDX-License-Identifier: GPL-2.0-only */
/* What the changed places of the rxe driver call; see rxe_ib.c. */
#ifndef RXE_IB_H
#define RXE_IB_H

#include <linux/types.h>
#include <rdma/ib_verbs.h>

struct net_device;
struct rxe_dev;
struct rxe_pkt_info;
struct sk_buff;

/* A device comes, and goes. */
void rxe_ib_attach(struct rxe_dev* rxe, struct net_device* ndev);
void rxe_ib_detach(struct ib_device* device);

/* Verbs of the device that differ from RoCE's. */
enum rdma_link_layer rxe_ib_link_layer(struct ib_device* device, u32 port);
int rxe_ib_port_immutable(struct ib_device* device, u32 port, struct ib_port_immutable* immutable);
int rxe_ib_query_gid(struct ib_device* device, u32 port, int index, union ib_gid* gid);
int rxe_ib_modify_port(struct ib_device* device, u32 port, int mask, struct ib_port_modify* change);
int rxe_ib_speed(u16* speed, u8* width);

/* The way of a packet. */
struct net_device* rxe_ib_netdev(struct rxe_dev* rxe);
int rxe_ib_switch(struct sk_buff* skb, struct rxe_pkt_info* pkt);
u16 rxe_ib_source_lid(struct sk_buff* skb);

#endif
