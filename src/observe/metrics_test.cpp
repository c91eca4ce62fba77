#include "observe/metrics.hpp"

#include <gtest/gtest.h>

namespace bellhop::observe {
namespace {

// [house 6] `ctl stats` gives every counter and gauge by name.
TEST(Metrics, CollectsEveryNumberByName) {
  Metrics metrics;
  metrics.counter("messages.received").add();
  metrics.counter("messages.received").add(4);
  metrics.gauge("transactions.server").set(7);
  metrics.gauge("transactions.server").add(-2);
  metrics.computed("memory.in_use_bytes", [] { return std::int64_t{4096}; });

  Metrics::Values values;
  metrics.collect(values);

  EXPECT_EQ(values.counters, (std::map<std::string, std::uint64_t>{{"messages.received", 5}}));
  EXPECT_EQ(values.gauges,
            (std::map<std::string, std::int64_t>{{"memory.in_use_bytes", 4096}, {"transactions.server", 5}}));
}

// [house 6] Equal names of several shards add up.
TEST(Metrics, ShardsAddUp) {
  Metrics first, second;
  first.counter("messages.sent").add(3);
  second.counter("messages.sent").add(5);
  first.gauge("location.bindings").set(10);
  second.computed("location.bindings", [] { return std::int64_t{32}; });

  Metrics::Values values;
  first.collect(values);
  second.collect(values);

  EXPECT_EQ(values.counters["messages.sent"], 8u);
  EXPECT_EQ(values.gauges["location.bindings"], 42);
}

// [house 1.1] A room keeps its reference for life, however many numbers are declared after it.
TEST(Metrics, ReferencesStayValid) {
  Metrics metrics;
  Counter& first = metrics.counter("first");
  for (int i = 0; i < 1000; ++i) metrics.counter("other." + std::to_string(i)).add();
  first.add(9);
  EXPECT_EQ(&metrics.counter("first"), &first);
  EXPECT_EQ(metrics.counter("first").value(), 9u);
}

// [house 3] Nobody is called back under a lock: what is computed may read other numbers of the same owner.
TEST(Metrics, ComputedNumberMayAskForAnother) {
  Metrics metrics;
  metrics.counter("hits").add(6);
  metrics.computed("hits.doubled", [&] { return static_cast<std::int64_t>(metrics.counter("hits").value() * 2); });
  Metrics::Values values;
  metrics.collect(values);
  EXPECT_EQ(values.gauges["hits.doubled"], 12);
}

}  // namespace
}  // namespace bellhop::observe
