#pragma once

#include <memory>

#include "admin/operator_commands.hpp"

namespace bellhop::admin {

/// "bindings list", "show", "add", "remove" (USR-15).
void add_binding_commands(Commands& commands, const std::shared_ptr<const Doors>& doors);

}  // namespace bellhop::admin
