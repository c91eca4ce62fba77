#include "request/overload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.hpp"

namespace bellhop::request {

namespace {

constexpr Duration validity = seconds(1);

bool knows_loss(std::string_view algorithms) {
  if (algorithms.size() >= 2 && algorithms.front() == '"') algorithms = algorithms.substr(1, algorithms.size() - 2);
  for (bool more = true; more;) {
    const auto end = algorithms.find(',');
    if (equals_ignore_case(trim(algorithms.substr(0, end)), "loss")) return true;
    more = end != std::string_view::npos;
    if (more) algorithms.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

unsigned percent_refused(Duration delay, Duration from, Duration step) {
  if (step <= Duration::zero() || delay <= from) return 0;
  return static_cast<unsigned>(std::min<Duration::rep>(100, (delay - from) * 100 / (3 * step)));
}

void append_oc(std::string& out, const sip::Via& via, unsigned percent, TimePoint now) {
  const sip::ParameterList parameters(via.parameters);
  if (!parameters.find("oc")) return;
  const auto algorithms = parameters.find("oc-algo");
  if (!algorithms || !knows_loss(algorithms->value)) return;
  // Section 4.4 suggests a time as sequence number: it grows, over restarts too.
  const auto micros = now.time_since_epoch().count();
  fmt::format_to(std::back_inserter(out), FMT_STRING(";oc={};oc-algo=\"loss\";oc-validity={};oc-seq={}.{:05}"), percent,
                 percent == 0 ? 0 : validity / milliseconds(1), micros / 1'000'000, micros % 1'000'000 / 10);
}

}  // namespace bellhop::request
