// tgt's targets.conf, which tgt-admin reads: statements of a word and its arguments, grouped by
// <target NAME> and within it <backing-store PATH> (targets.conf(5)). tgt serves iSCSI, so what is
// carried over are the disks.
#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "control/import/format.h"

namespace srpd::control {
namespace {

constexpr unsigned max_include_depth = 8;
constexpr unsigned max_included = 1000;  // files that include each other grow fast
constexpr std::size_t max_disks = 100'000;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0)
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// "KEY VALUE" or "KEY = VALUE", the value with or without quotes.
struct Statement {
  std::size_t line = 0;
  std::string key;
  std::string value;
};

Statement statement_of(std::string_view text, std::size_t line) {
  const std::size_t end = std::min(text.find_first_of(" \t="), text.size());
  std::string_view value = trimmed(text.substr(end));
  if (value.starts_with('=')) value = trimmed(value.substr(1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  return {line, lower(text.substr(0, end)), std::string(value)};
}

struct Disk {
  std::size_t line = 0;
  std::string path;
  bool direct = false;
  std::map<std::string, Statement> settings;
};

class TgtReader {
 public:
  Imported run(const ImportSource& source) {
    file(source, 0);
    return std::move(imported_);
  }

 private:
  void note(std::size_t line, std::string object, std::string cause, std::string remedy = {}) {
    imported_.note(file_, line, std::move(object), std::move(cause), std::move(remedy));
  }

  /// Lines that end in a backslash go on in the next one.
  void file(const ImportSource& source, unsigned depth) {
    const std::string outer = std::exchange(file_, source.name);
    std::size_t number = 0, begin = 0;
    std::string joined;
    while (begin < source.text.size()) {
      const std::size_t end = std::min(source.text.find('\n', begin), source.text.size());
      joined += std::string_view(source.text).substr(begin, end - begin);
      begin = end + 1;
      ++number;
      if (joined.ends_with('\\')) {
        joined.back() = ' ';
        continue;
      }
      line(source, without_comment(joined), number, depth);
      joined.clear();
    }
    if (!joined.empty()) line(source, without_comment(joined), number, depth);
    if (depth == 0 && in_target_) note(number, "target " + target_, "</target> is missing");
    if (depth == 0) end_target();
    file_ = outer;
  }

  static std::string_view without_comment(std::string_view text) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') quoted = !quoted;
      if (text[i] == '#' && !quoted) return trimmed(text.substr(0, i));
    }
    return trimmed(text);
  }

  void line(const ImportSource& source, std::string_view text, std::size_t number, unsigned depth) {
    if (text.empty()) return;
    if (text.starts_with("<<")) return included(source, inside(text, 2), number, depth);
    if (text.starts_with("</")) return end_block(lower(inside(text, 2)), number);
    if (text.starts_with('<')) return begin_block(statement_of(inside(text, 1), number));
    const Statement statement = statement_of(text, number);
    if (statement.key == "include") return included(source, statement.value, number, depth);
    if (in_disk_)
      disk_.settings[statement.key] = statement;
    else if (in_target_)
      of_target(statement);
    else
      of_daemon(statement);
  }

  /// Of "<...>" or "<<...>>".
  static std::string inside(std::string_view text, std::size_t brackets) {
    text.remove_prefix(brackets);
    while (text.ends_with('>')) text.remove_suffix(1);
    return std::string(trimmed(text));
  }

  void included(const ImportSource& source, std::string pattern, std::size_t number,
                unsigned depth) {
    if (pattern.starts_with("include")) pattern = trimmed(std::string_view(pattern).substr(7));
    if (depth >= max_include_depth)
      return note(number, "include " + pattern, "files include each other too deeply",
                  "it is left out");
    if (!source.include) return note(number, "include " + pattern, "it is left out");
    for (ImportSource more : source.include(pattern)) {
      if (++included_ > max_included)
        return note(number, "include " + pattern, "there are too many files", "it is left out");
      more.include = source.include;
      file(more, depth + 1);
    }
  }

  void begin_block(const Statement& statement) {
    if (statement.key == "target" && !in_target_) {
      in_target_ = true;
      target_ = statement.value;
      target_line_ = statement.line;
      return;
    }
    const bool store = statement.key == "backing-store" || statement.key == "direct-store";
    if (store && in_target_ && !in_disk_) {
      in_disk_ = true;
      disk_ = {statement.line, statement.value, statement.key == "direct-store", {}};
      return;
    }
    note(statement.line, "<" + statement.key + ">", "it is not expected here", "it is left out");
  }

  void end_block(const std::string& key, std::size_t number) {
    if (in_disk_ && key == (disk_.direct ? "direct-store" : "backing-store")) {
      disks_.push_back(std::exchange(disk_, {}));
      in_disk_ = false;
    } else if (in_target_ && !in_disk_ && key == "target") {
      end_target();
    } else {
      note(number, "</" + key + ">", "nothing of this name is open here", "it is left out");
    }
  }

  void of_target(const Statement& statement) {
    if (statement.key == "backing-store" || statement.key == "direct-store") {
      disks_.push_back({statement.line, statement.value, statement.key == "direct-store", {}});
      return;
    }
    defaults_[statement.key] = statement;
    const std::string object = "target " + target_ + " " + statement.key;
    if (statement.key == "incominguser" || statement.key == "outgoinguser")
      note(statement.line, object, "CHAP is of iSCSI: SRP has no passwords",
           "let hosts in by ACLs, and see SECURITY.md");
    else if (statement.key == "initiator-address" || statement.key == "initiator-name")
      note(statement.line, object + " " + statement.value, "who may log in is not carried over",
           "make an ACL in the srpt target: an IP address, or the initiator port identifier");
  }

  void of_daemon(const Statement& statement) {
    if (statement.key == "default-driver" || statement.key == "ignore-errors") return;
    note(statement.line, statement.key, "it configures tgt's own daemon",
         "srpd has no counterpart");
  }

  void end_target() {
    if (in_disk_) disks_.push_back(std::exchange(disk_, {}));
    for (const Disk& disk : disks_) add(disk);
    if (in_target_)
      note(target_line_, "target " + target_,
           disks_.empty() ? "it has no disk" : "srpd serves SRP only: its disks are carried over",
           disks_.empty() ? "" : "make an srpt target with these disks");
    in_target_ = in_disk_ = false;
    disks_.clear();
    defaults_.clear();
  }

  /// The disk's own, else its target's.
  std::optional<Statement> setting(const Disk& disk, const std::string& key) const {
    for (const auto* settings : {&disk.settings, &defaults_}) {
      if (const auto found = settings->find(key); found != settings->end()) return found->second;
    }
    return std::nullopt;
  }

  static bool is_on(const std::optional<Statement>& statement, bool otherwise) {
    if (!statement) return otherwise;
    const std::string value = lower(statement->value);
    return value == "on" || value == "yes" || value == "1" || value == "true";
  }

  void add(const Disk& disk) {
    const std::string object = "disk " + disk.path;
    if (!disk.path.starts_with('/'))
      return note(disk.line, object, "it is no absolute path", "it is left out");
    if (imported_.disks().size() >= max_disks)
      return note(disk.line, object, "there are too many disks", "it is left out");
    const auto type = setting(disk, "bs-type");
    const std::string kind = type ? lower(type->value) : "rdwr";
    if (kind != "rdwr" && kind != "aio")
      return note(type->line, object, "bs-type " + kind + " has no counterpart",
                  "it is left out: serve its data in another way");
    if (const auto device = setting(disk, "device-type");
        device && lower(device->value) != "disk" && lower(device->value) != "sbc")
      return note(device->line, object, "srpd serves disks, not " + device->value,
                  "it is left out");
    carry(disk, object);
  }

  void carry(const Disk& disk, const std::string& object) {
    if (!carried_.insert(disk.path).second)
      return note(disk.line, object, "it is carried over already, for another LUN",
                  "make several LUNs of the one disk");
    const bool device = disk.direct || disk.path.starts_with("/dev/");
    SavedJson made = disk_object(device ? "block" : "fileio", disk_name(disk.path));
    made["dev"] = disk.path;
    const auto cache = setting(disk, "write-cache");
    made["write_back"] = !device && is_on(cache, true);
    if (device && cache)
      note(cache->line, object, "write-cache is not carried over: a block disk has its device's");
    const auto protection = setting(disk, "readonly");
    if (device) made["readonly"] = is_on(protection, false);
    if (!device && is_on(protection, false))
      note(protection->line, object, "a file is write protected for each host",
           "map it with write_protect=1");
    if (const auto serial = setting(disk, "scsi_sn"); serial && !serial->value.empty())
      made["wwn"] = serial->value;
    else
      note(disk.line, object, "it has no scsi_sn: its serial number will be another one",
           "hosts that name it by serial number have to be told");
    block_size(disk, object, made);
    ignored(disk, object);
    imported_.add_disk(std::move(made));
  }

  void block_size(const Disk& disk, const std::string& object, SavedJson& made) {
    const auto size = setting(disk, "block-size");
    if (!size || size->value == "512") return;
    if (size->value == "1024" || size->value == "2048" || size->value == "4096")
      made["attributes"]["block_size"] = std::stoi(size->value);
    else
      note(size->line, object, "the block size " + size->value + " is not possible",
           "512, 1024, 2048 or 4096; its partitions depend on it");
  }

  /// What hosts see of a disk and what has no counterpart, once for each disk or its target.
  void ignored(const Disk& disk, const std::string& object) {
    for (const char* const key : {"vendor_id", "product_id", "product_rev", "scsi_id", "lun",
                                  "bsoflags", "bsopts", "mode_page", "removable", "sense_format",
                                  "params", "path", "online", "thin-provisioning"}) {
      const auto found = disk.settings.find(key);
      if (found != disk.settings.end())
        note(found->second.line, object, "'" + found->second.key + "' is not carried over");
    }
  }

  Imported imported_;
  std::string file_;
  unsigned included_ = 0;
  bool in_target_ = false, in_disk_ = false;
  std::string target_;
  std::size_t target_line_ = 0;
  std::map<std::string, Statement> defaults_;
  Disk disk_;
  std::vector<Disk> disks_;
  std::set<std::string> carried_;  // paths
};

bool recognizes(const ImportSource& source) {
  if (source.tree != nullptr) return false;
  const std::string text = "\n" + source.text;
  for (const char* const mark : {"\n<target ", "\ndefault-driver ", "\ninclude "})
    if (text.find(mark) != std::string::npos) return true;
  return false;
}

Expected<Imported> read(const ImportSource& source) { return TgtReader().run(source); }

}  // namespace

const ImportFormat tgt_format{"tgt", "targets.conf of tgt", &recognizes, &read};

}  // namespace srpd::control
