#include "registrar/reply.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>

#include "base/copy_octets.hpp"
#include "sip/values.hpp"

namespace bellhop::registrar {

namespace {

void append_received(std::string& out, const net::Flow& flow) {
  out += ";received=\"sip:";
  out += flow.remote.to_string();
  if (flow.is_stream()) {
    out += ";transport=";
    out += sip::param_name(flow.transport);
  }
  out += '"';
}

}  // namespace

void append_contacts(std::string& out, std::span<const location::BindingView> bindings, TimePoint now,
                     const GruuWriting* gruu) {
  for (const location::BindingView& binding : bindings) {
    const auto left = std::chrono::ceil<seconds>(binding.expires - now).count();
    constexpr std::string_view before = "Contact: <", between = ">;expires=";
    constexpr std::size_t most_digits = 20;
    const std::size_t begin = out.size();
    out.resize(begin + before.size() + binding.contact.size() + between.size() + most_digits);
    char* at = copy_octets(before, out.data() + begin);
    at = copy_octets(binding.contact, at);
    at = copy_octets(between, at);
    at = std::to_chars(at, at + most_digits, left).ptr;
    out.resize(static_cast<std::size_t>(at - out.data()));
    sip::append_q(out, binding.q);
    out += binding.contact_parameters;
    if (binding.natted) append_received(out, binding.flow);
    if (gruu != nullptr && !binding.instance.empty()) {
      routing::Gruus::append_public(out, gruu->aor, binding.instance);
      gruu->gruus.append_temporary(out, gruu->key, gruu->domain, binding.instance, binding.call_id);
    }
    out += "\r\n";
  }
}

void append_date(std::string& out, TimePoint now) {
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto midnight = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss time(std::chrono::floor<seconds>(now - midnight));
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("Date: {}, {:02} {} {:04} {:02}:{:02}:{:02} GMT\r\n"),
                 days[std::chrono::weekday(midnight).c_encoding()], static_cast<unsigned>(date.day()),
                 months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()), time.hours().count(),
                 time.minutes().count(), time.seconds().count());
}

}  // namespace bellhop::registrar
