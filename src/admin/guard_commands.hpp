#pragma once

#include <memory>

#include "admin/operator_commands.hpp"

namespace bellhop::admin {

/// "guard list", "why", "ban", "unban", "exempt", "judge", "orders", "try" (CGP-48, PAR-13).
void add_guard_commands(Commands& commands, const std::shared_ptr<const Doors>& doors);

}  // namespace bellhop::admin
