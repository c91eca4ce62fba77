// What the location table costs: refresh, look-up, memory per binding, replay.
//   location_bench [bindings] [directory]
#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "location/table.hpp"

namespace {

using namespace bellhop;
using namespace bellhop::location;
using Clock = std::chrono::steady_clock;

constexpr TimePoint start{seconds(1'700'000'000)};

std::string aor_of(std::size_t i) {
  return fmt::format("subscriber{}@example.test", i);
}

void fill(Change& change, std::size_t i, std::uint32_t cseq, TimePoint now) {
  Binding& b = change.binding;
  b.contact = fmt::format("sip:subscriber{}@10.{}.{}.{}:5060;transport=udp", i, i >> 16 & 255, i >> 8 & 255, i & 255);
  b.instance = fmt::format("<urn:uuid:f81d4fae-7dec-11d0-a765-{:012x}>", i);
  b.contact_parameters = fmt::format(";+sip.instance=\"{}\"", b.instance);
  b.call_id = fmt::format("{:032x}@10.{}.{}.{}", i, i >> 16 & 255, i >> 8 & 255, i & 255);
  b.user_agent = fmt::format("Phone {}.0", i % 20);
  b.cseq = cseq;
  b.updated = now;
  b.expires = now + 3600s;
  b.flow.remote = {IpAddress::v4({10, 1, 2, 3}), static_cast<std::uint16_t>(i)};
}

double resident_octets() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident) * 4096;
}

template <class F>
double nanoseconds_each(std::size_t count, F&& work) {
  const auto from = Clock::now();
  for (std::size_t i = 0; i < count; ++i) work(i);
  return std::chrono::duration<double, std::nano>(Clock::now() - from).count() / static_cast<double>(count);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::stoul(argv[1]) : 300'000;
  const std::string directory = argc > 2 ? argv[2] : std::filesystem::temp_directory_path() / "bellhop-location-bench";
  observe::Log log(observe::null_sink());
  observe::Metrics metrics;
  const storage::Journal::Settings settings{.path = directory + "/location.journal"};
  Random random(7);
  std::vector<Change> change(1);
  Listing result;
  std::vector<Binding> found;
  {
    const double before = resident_octets();
    Table table(metrics, 1);
    table.open_journal(settings, 2, log, metrics, start);
    fmt::print("{} bindings\n", count);
    fmt::print("  first registration  {:8.0f} ns\n", nanoseconds_each(count, [&](std::size_t i) {
                 fill(change[0], i, 1, start);
                 (void)table.update(aor_of(i), change, {}, 0, start, result);
               }));
    table.flush_journal();
    fmt::print("  memory per binding  {:8.0f} octets\n", (resident_octets() - before) / static_cast<double>(count));
    const double preparing = nanoseconds_each(count, [&](std::size_t) {
      const std::size_t i = random.below(count);
      fill(change[0], i, 2, start);
      (void)aor_of(i);
    });
    std::uint32_t cseq = 1;
    const double refresh = nanoseconds_each(count, [&](std::size_t) {
      const std::size_t i = random.below(count);
      fill(change[0], i, ++cseq, start + 1s);
      (void)table.update(aor_of(i), change, {}, 0, start + 1s, result);
    });
    fmt::print("  refresh             {:8.0f} ns\n", refresh - preparing);
    const double naming = nanoseconds_each(count, [&](std::size_t) { (void)aor_of(random.below(count)); });
    const double find =
        nanoseconds_each(count, [&](std::size_t) { table.find(aor_of(random.below(count)), start + 1s, found); });
    fmt::print("  look-up             {:8.0f} ns\n", find - naming);
    fmt::print("  free expired        {:8.1f} ns per slice call when nothing expires\n",
               nanoseconds_each(1000, [&](std::size_t) { table.expire(start + 2s); }));
    table.flush_journal();
  }
  const auto from = Clock::now();
  Table table(metrics, 2);
  table.open_journal(settings, 2, log, metrics, start + 2s);
  fmt::print("  replay              {:8.2f} s for {} bindings, {} octets\n",
             std::chrono::duration<double>(Clock::now() - from).count(), table.bindings(),
             std::filesystem::file_size(settings.path));
  std::filesystem::remove(settings.path);
  return table.bindings() == count ? 0 : 1;
}
