// target/srpt: the SRP fabric, by mkdir; ports are made in it by their names.
#pragma once

#include <memory>
#include <string_view>

#include "lio/rows.h"

namespace srpd::lio {

class Model;

class Srpt final : public Directory {
 public:
  explicit Srpt(Model& model);
  std::span<const Attribute> attributes() const override;
  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override;
  void drop(Change& change) override;

 private:
  static const Attribute rows[];
  std::string show_version() const { return "\n"; }

  Model& model_;
};

}  // namespace srpd::lio
