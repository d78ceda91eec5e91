// Which attribute has which rule. What only newer kernels have comes last in each table.
#include <span>

#include "lio/attrib.h"

namespace srpd::lio {
namespace {

using A = DeviceAttributes;

template <auto member>
consteval Attribute shown(std::string_view name) {
  return read_only<&Attrib::show<member>>(name);
}
template <auto member>
consteval Attribute number(std::string_view name) {
  return row<&Attrib::show<member>, &Attrib::store_number<member>>(name);
}
template <auto member>
consteval Attribute flag(std::string_view name) {
  return row<&Attrib::show<member>, &Attrib::store_flag<member>>(name);
}
template <auto member>
consteval Attribute flag_before_export(std::string_view name) {
  return row<&Attrib::show<member>, &Attrib::store_flag_before_export<member>>(name);
}
template <auto member>
consteval Attribute support(std::string_view name) {
  return row<&Attrib::show<member>, &Attrib::store_support<member>>(name);
}
template <auto member>
consteval Attribute unmap_flag(std::string_view name) {
  return row<&Attrib::show<member>, &Attrib::store_unmap_flag<member>>(name);
}
template <auto member, auto store>
consteval Attribute ruled(std::string_view name) {
  return row<&Attrib::show<member>, store>(name);
}

/// rd_mcp, fileio, iblock.
constexpr Attribute block_rows[] = {
    support<&A::alua_support>("alua_support"),
    ruled<&A::block_size, &Attrib::store_block_size>("block_size"),
    flag<&A::emulate_3pc>("emulate_3pc"),
    flag<&A::emulate_caw>("emulate_caw"),
    row<&Attrib::show_one, &Attrib::ignore>("emulate_dpo"),
    row<&Attrib::show_one, &Attrib::ignore>("emulate_fua_read"),
    flag<&A::emulate_fua_write>("emulate_fua_write"),
    ruled<&A::emulate_model_alias, &Attrib::store_model_alias>("emulate_model_alias"),
    flag<&A::emulate_pr>("emulate_pr"),
    ruled<&A::emulate_rest_reord, &Attrib::store_rest_reord>("emulate_rest_reord"),
    flag_before_export<&A::emulate_tas>("emulate_tas"),
    unmap_flag<&A::emulate_tpu>("emulate_tpu"),
    unmap_flag<&A::emulate_tpws>("emulate_tpws"),
    ruled<&A::emulate_ua_intlck_ctrl, &Attrib::store_ua_intlck_ctrl>("emulate_ua_intlck_ctrl"),
    ruled<&A::emulate_write_cache, &Attrib::store_write_cache>("emulate_write_cache"),
    flag<&A::enforce_pr_isids>("enforce_pr_isids"),
    flag_before_export<&A::force_pr_aptpl>("force_pr_aptpl"),
    shown<&A::hw_block_size>("hw_block_size"),
    shown<&A::hw_max_sectors>("hw_max_sectors"),
    shown<&A::hw_pi_prot_type>("hw_pi_prot_type"),
    shown<&A::hw_queue_depth>("hw_queue_depth"),
    flag<&A::is_nonrot>("is_nonrot"),
    number<&A::max_unmap_block_desc_count>("max_unmap_block_desc_count"),
    number<&A::max_unmap_lba_count>("max_unmap_lba_count"),
    number<&A::max_write_same_len>("max_write_same_len"),
    ruled<&A::optimal_sectors, &Attrib::store_optimal_sectors>("optimal_sectors"),
    support<&A::pgr_support>("pgr_support"),
    row<&Attrib::show_zero, &Attrib::store_pi_prot_format>("pi_prot_format"),
    ruled<&A::pi_prot_type, &Attrib::store_pi_prot_type>("pi_prot_type"),
    ruled<&A::pi_prot_verify, &Attrib::store_pi_prot_verify>("pi_prot_verify"),
    ruled<&A::queue_depth, &Attrib::store_queue_depth>("queue_depth"),
    number<&A::unmap_granularity>("unmap_granularity"),
    number<&A::unmap_granularity_alignment>("unmap_granularity_alignment"),
    unmap_flag<&A::unmap_zeroes_data>("unmap_zeroes_data"),
    flag<&A::emulate_rsoc>("emulate_rsoc"),
    ruled<&A::submit_type, &Attrib::store_submit_type>("submit_type"),
};
constexpr std::size_t newer_block_rows = 2;

constexpr Attribute pscsi_rows[] = {
    support<&A::alua_support>("alua_support"),
    flag<&A::emulate_pr>("emulate_pr"),
    shown<&A::hw_block_size>("hw_block_size"),
    shown<&A::hw_max_sectors>("hw_max_sectors"),
    shown<&A::hw_pi_prot_type>("hw_pi_prot_type"),
    shown<&A::hw_queue_depth>("hw_queue_depth"),
    support<&A::pgr_support>("pgr_support"),
    ruled<&A::submit_type, &Attrib::store_submit_type>("submit_type"),
};
constexpr std::size_t newer_pscsi_rows = 1;

constexpr Attribute user_rows[] = {
    support<&A::alua_support>("alua_support"),
    read_only<&Attrib::show_spec<&DeviceSpec::cmd_ring_size_mb>>("cmd_ring_size_mb"),
    row<&Attrib::show_command_timeout, &Attrib::store_command_timeout>("cmd_time_out"),
    read_only<&Attrib::show_spec<&DeviceSpec::data_pages_per_block>>("data_pages_per_blk"),
    row<&Attrib::show_config, &Attrib::store_config>("dev_config"),
    row<&Attrib::show_size, &Attrib::store_size>("dev_size"),
    flag<&A::emulate_pr>("emulate_pr"),
    ruled<&A::emulate_write_cache, &Attrib::store_user_write_cache>("emulate_write_cache"),
    flag<&A::enforce_pr_isids>("enforce_pr_isids"),
    flag_before_export<&A::force_pr_aptpl>("force_pr_aptpl"),
    shown<&A::hw_block_size>("hw_block_size"),
    shown<&A::hw_max_sectors>("hw_max_sectors"),
    shown<&A::hw_pi_prot_type>("hw_pi_prot_type"),
    shown<&A::hw_queue_depth>("hw_queue_depth"),
    read_only<&Attrib::show_spec<&DeviceSpec::max_data_area_mb>>("max_data_area_mb"),
    ruled<&A::nl_reply_supported, &Attrib::store_reply_supported>("nl_reply_supported"),
    support<&A::pgr_support>("pgr_support"),
    row<&Attrib::show_queue_full_timeout, &Attrib::store_queue_full_timeout>("qfull_time_out"),
    ruled<&A::tmr_notification, &Attrib::store_tmr_notification>("tmr_notification"),
    ruled<&A::submit_type, &Attrib::store_submit_type>("submit_type"),
};
constexpr std::size_t newer_user_rows = 1;

template <std::size_t size>
std::span<const Attribute> without(const Attribute (&rows)[size], std::size_t newer_rows,
                                   bool newer) {
  return std::span(rows).first(size - (newer ? 0 : newer_rows));
}

}  // namespace

std::span<const Attribute> attrib_table(Plugin plugin, bool newer) {
  switch (plugin) {
    case Plugin::rd_mcp:
    case Plugin::fileio:
    case Plugin::iblock:
      return without(block_rows, newer_block_rows, newer);
    case Plugin::pscsi:
      return without(pscsi_rows, newer_pscsi_rows, newer);
    case Plugin::user:
      return without(user_rows, newer_user_rows, newer);
  }
  return {};
}

}  // namespace srpd::lio
