// srpt/PORT: a target port of SRP, by mkdir of its name. What its tpgs show as their attributes
// belongs to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lio/engine.h"
#include "lio/rows.h"

namespace srpd::lio {

class Model;

class Port final : public Directory {
 public:
  explicit Port(Model& model);

  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override;
  void drop(Change& change) override;

  Model& model() const { return model_; }
  const PortSettings& settings() const { return settings_; }
  Result<void> set(Change& change, const PortSettings& wanted);

 private:
  Model& model_;
  PortSettings settings_;
};

}  // namespace srpd::lio
