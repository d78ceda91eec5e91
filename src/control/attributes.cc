#include "control/attributes.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace srpd::control {
namespace {

using scsi::LuAttributes;

struct Served {
  std::string_view name;
  std::uint64_t lowest, highest;
  void (*set)(LuAttributes&, std::uint64_t);
};

template <auto Member>
constexpr Served bounded(std::string_view name, std::uint64_t lowest, std::uint64_t highest) {
  return {name, lowest, highest, [](LuAttributes& attributes, std::uint64_t value) {
            auto& member = attributes.*Member;
            member = static_cast<typename std::remove_reference_t<decltype(member)>::Value>(value);
          }};
}

template <auto Member>
constexpr Served boolean(std::string_view name) {
  return bounded<Member>(name, 0, 1);
}

template <auto Member>
constexpr Served number(std::string_view name) {
  return bounded<Member>(name, 0, UINT32_MAX);
}

/// LIO accepts any value for these and goes on with 1.
constexpr Served ignored(std::string_view name) {
  return {name, 0, UINT64_MAX, [](LuAttributes&, std::uint64_t) {}};
}

/// Initiator ports of SRP have no session identifiers.
constexpr Served without_meaning(std::string_view name) {
  return {name, 0, 1, [](LuAttributes&, std::uint64_t) {}};
}

constexpr std::array served{
    boolean<&LuAttributes::alua_support>("alua_support"),
    ignored("emulate_dpo"),
    ignored("emulate_fua_read"),
    boolean<&LuAttributes::emulate_fua_write>("emulate_fua_write"),
    boolean<&LuAttributes::emulate_pr>("emulate_pr"),
    boolean<&LuAttributes::emulate_tas>("emulate_tas"),
    boolean<&LuAttributes::emulate_tpu>("emulate_tpu"),
    boolean<&LuAttributes::emulate_tpws>("emulate_tpws"),
    boolean<&LuAttributes::emulate_rsoc>("emulate_rsoc"),
    boolean<&LuAttributes::is_nonrot>("is_nonrot"),
    without_meaning("enforce_pr_isids"),
    boolean<&LuAttributes::force_pr_aptpl>("force_pr_aptpl"),
    number<&LuAttributes::max_unmap_lba_count>("max_unmap_lba_count"),
    number<&LuAttributes::max_unmap_block_desc_count>("max_unmap_block_desc_count"),
    number<&LuAttributes::unmap_granularity>("unmap_granularity"),
    number<&LuAttributes::unmap_granularity_alignment>("unmap_granularity_alignment"),
    boolean<&LuAttributes::unmap_zeroes_data>("unmap_zeroes_data"),
    number<&LuAttributes::max_write_same_len>("max_write_same_len"),
    number<&LuAttributes::optimal_sectors>("optimal_sectors"),
    bounded<&LuAttributes::queue_depth>("queue_depth", 1, 1024),
};

struct Unserved {
  std::string_view name;
  std::uint64_t lio_default;
  std::string_view what;
};

constexpr std::array unserved{
    Unserved{"complete_type", 0, "the choice of completion context"},
    Unserved{"emulate_3pc", 1, "turning EXTENDED COPY off"},
    Unserved{"emulate_caw", 1, "turning COMPARE AND WRITE off"},
    Unserved{"emulate_rest_reord", 0, "restricted reordering"},
    Unserved{"emulate_ua_intlck_ctrl", 0, "unit attention interlock"},
    Unserved{"pgr_support", 1, "turning reservations off, but by emulate_pr,"},
    Unserved{"pi_prot_format", 0, "formatting by a configuration"},
    Unserved{"submit_type", 0, "the choice of submission context"},
};

/// A pass-through unit has no more: the rest is the device's.
constexpr std::array served_by_pass_through{
    boolean<&LuAttributes::emulate_pr>("emulate_pr"),
};

constexpr std::array unserved_by_pass_through{
    Unserved{"alua_support", 0, "ALUA besides that of the device"},
    Unserved{"pgr_support", 0, "reservations besides those of the device"},
    Unserved{"submit_type", 0, "the choice of submission context"},
};

Expected<void> check_against_store(const AttributeSetting& setting,
                                   const store::Properties& properties) {
  const bool thin = setting.name == "emulate_tpu" || setting.name == "emulate_tpws" ||
                    setting.name == "unmap_zeroes_data";
  if (thin && setting.value != 0 && !properties.can_unmap) {
    return failure(setting.name, "the backing store cannot unmap",
                   "set it to 0, or use a file system that can punch holes");
  }
  if (setting.name == "unmap_zeroes_data" && setting.value != 0 && !properties.unmap_zeroes)
    return failure(setting.name, "unmapped blocks of this store do not read as zero",
                   "set it to 0");
  return {};
}

/// protection_of() evaluates both: they are the store's.
Expected<void> check_protection(const AttributeSetting& setting,
                                const store::Properties& properties) {
  const bool type = setting.name == "pi_prot_type";
  if (type ? setting.value > 3 || setting.value == 2 : setting.value > 1) {
    return failure(setting.name, "the value " + std::to_string(setting.value) + " is not possible",
                   type ? "use 0, 1 or 3" : "use 0 or 1");
  }
  if (type && setting.value != 0 && properties.plugin == "iblock")
    return failure(setting.name, "this kind of backstore keeps no protection information",
                   "set it to 0, or serve a file");
  return {};
}

/// LIO's iblock says 0 here whatever the device has, and goes by the device: so does this one.
Expected<void> set_write_cache(LuAttributes& attributes, std::uint64_t value,
                               const store::Properties& properties) {
  const bool device = properties.plugin == "iblock";
  if (value > 1) {
    return failure("emulate_write_cache", "the value " + std::to_string(value) + " is not possible",
                   "use 0 or 1");
  }
  if (value == 1 && !properties.write_cache) {
    return failure("emulate_write_cache",
                   "the backing store has no volatile cache, and hosts are told so",
                   device ? "switch the cache of the device itself (queue/write_cache in sysfs)"
                          : "choose the cache with write_back of the storage object");
  }
  if (!device) attributes.emulate_write_cache = value != 0;
  return {};
}

}  // namespace

Expected<void> apply_attribute(LuAttributes& attributes, const AttributeSetting& setting,
                               const store::Properties& properties) {
  if (setting.name == "emulate_write_cache")
    return set_write_cache(attributes, setting.value, properties);
  const bool passes_through = properties.plugin == "pscsi";
  const auto served_rows = passes_through ? std::span<const Served>(served_by_pass_through)
                                          : std::span<const Served>(served);
  const auto unserved_rows = passes_through ? std::span<const Unserved>(unserved_by_pass_through)
                                            : std::span<const Unserved>(unserved);
  if (!passes_through && (setting.name == "pi_prot_type" || setting.name == "pi_prot_verify"))
    return check_protection(setting, properties);
  for (const Served& row : served_rows) {
    if (row.name != setting.name) continue;
    if (setting.value < row.lowest || setting.value > row.highest) {
      return failure(setting.name,
                     "the value " + std::to_string(setting.value) + " is not possible",
                     "use " + std::to_string(row.lowest) + " to " + std::to_string(row.highest));
    }
    if (auto possible = check_against_store(setting, properties); !possible) return possible;
    row.set(attributes, setting.value);
    return {};
  }
  for (const Unserved& row : unserved_rows) {
    if (row.name != setting.name) continue;
    if (setting.value == row.lio_default) return {};
    return failure(setting.name, std::string(row.what) + " is not served",
                   "the unit behaves as with " + std::to_string(row.lio_default));
  }
  return failure(setting.name, "there is no such attribute", "remove it");
}

store::Protection protection_of(const StorageObject& object) {
  store::Protection protection{.block_size = object.store.block_size};
  for (const AttributeSetting& setting : object.attributes) {
    if (setting.name == "pi_prot_type" && (setting.value == 1 || setting.value == 3))
      protection.type = static_cast<store::ProtectionType>(setting.value);
    if (setting.name == "pi_prot_verify") protection.check_application_tag = setting.value != 0;
  }
  return protection;
}

}  // namespace srpd::control
