#pragma once

#include "observe/metrics.hpp"

namespace bellhop::server {

/// Adds the gauges memory.in_use_bytes (what the program has asked of the allocator and not given back),
/// memory.resident_bytes (what the kernel has given us) and memory.peak_bytes (the most that was ever resident).
void add_memory_gauges(observe::Metrics& metrics);

}  // namespace bellhop::server
