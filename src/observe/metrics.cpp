#include "observe/metrics.hpp"

#include <utility>
#include <vector>

namespace bellhop::observe {
namespace {

template <class Number>
Number& named(std::string_view name, std::deque<Number>& numbers, std::map<std::string, Number*, std::less<>>& names) {
  const auto found = names.find(name);
  if (found != names.end()) return *found->second;
  Number& number = numbers.emplace_back();
  names.emplace(name, &number);
  return number;
}

}  // namespace

Counter& Metrics::counter(std::string_view name) {
  const std::lock_guard lock(mutex_);
  return named(name, counters_, counter_names_);
}

Gauge& Metrics::gauge(std::string_view name) {
  const std::lock_guard lock(mutex_);
  return named(name, gauges_, gauge_names_);
}

void Metrics::computed(std::string_view name, std::function<std::int64_t()> read) {
  const std::lock_guard lock(mutex_);
  computed_.insert_or_assign(std::string(name), std::move(read));
}

void Metrics::collect(Values& values) const {
  std::vector<std::pair<std::string, std::function<std::int64_t()>>> to_compute;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, counter] : counter_names_) values.counters[name] += counter->value();
    for (const auto& [name, gauge] : gauge_names_) values.gauges[name] += gauge->value();
    to_compute.assign(computed_.begin(), computed_.end());
  }
  // Without the lock: what is read here may itself ask for a number.
  for (const auto& [name, read] : to_compute) values.gauges[name] += read();
}

}  // namespace bellhop::observe
