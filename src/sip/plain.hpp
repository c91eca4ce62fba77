#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "sip/octets.hpp"
#include "sip/uri.hpp"
#include "sip/wide_octets.hpp"

// Internal to the room: how nearly all peers write URIs, addresses and Vias. There nothing but octets::plain() stands
// between the delimiters: no escapes, no quotes, no blanks but those that must be. Such a value needs no octet by octet
// scan. Whatever is written otherwise goes the general way (uri.cpp, name_addr.cpp, via.cpp), which knows the whole
// grammar and finds the same where both succeed.
namespace bellhop::sip::plain {

/// Cuts a text into runs of plain octets and the single delimiters between them, which `delimiters_in_block` tells.
template <octets::BlockBits delimiters_in_block(const char*)>
class RunsBy {
 public:
  static constexpr int none = -1;

  /// From `at` to the end of `text`, which is a part of `around`; all of `around` may be read.
  RunsBy(std::string_view text, std::string_view around, const char* at)
      : around_(around), at_(at), end_(text.data() + text.size()), block_(at) {
    if (around.data() + around.size() - at >= std::ptrdiff_t{octets::block}) [[likely]]
      bits_ = octets::before(end_, at, delimiters_in_block(at));
    else
      bits_ = octets::next_delimiters(around, at, end_);
  }

  /// The run, perhaps empty, up to the next delimiter, which is then behind().
  [[gnu::always_inline]] std::string_view next() {
    const char* const begin = at_;
    while (bits_ == 0) {
      if (end_ - block_ <= std::ptrdiff_t{octets::block}) {
        behind_ = none;
        at_ = end_;
        return {begin, static_cast<std::size_t>(end_ - begin)};
      }
      block_ += octets::block;  // few values are that long
      bits_ = octets::next_delimiters(around_, block_, end_);
    }
    const char* const stop = block_ + std::countr_zero(bits_);
    bits_ &= bits_ - 1;
    behind_ = static_cast<unsigned char>(*stop);
    at_ = stop + 1;
    return {begin, static_cast<std::size_t>(stop - begin)};
  }
  /// The delimiter behind the run; `none` at the end of the text.
  [[nodiscard]] int behind() const { return behind_; }
  /// What may be read.
  [[nodiscard]] std::string_view around() const { return around_; }
  /// The octet behind that delimiter.
  [[nodiscard]] const char* at() const { return at_; }

 private:
  std::string_view around_;
  const char* at_;
  const char* end_;
  const char* block_;
  octets::BlockBits bits_ = 0;  ///< the delimiters in the block at block_ that are still ahead
  int behind_ = none;
};

#ifdef __x86_64__
template <class Form, class Value>
[[gnu::target("avx2,bmi,bmi2"), gnu::flatten]] bool take_wide(std::string_view text, std::string_view around,
                                                              Value& value) {
  return Form::template take<RunsBy<octets::wide_delimiters_in_block>>(text, around, value);
}
#endif

/// What Form::take() makes of the text with the runs that are cut best on this machine.
template <class Form, class Value>
[[nodiscard]] bool take(std::string_view text, std::string_view around, Value& value) {
#ifdef __x86_64__
  if (octets::has_wide) return take_wide<Form>(text, around, value);
#endif
  return Form::template take<RunsBy<octets::delimiters_by_sixteen>>(text, around, value);
}

/// Whether plain octets, part of `around`, are a hostname or an IPv4 address without a dot at its end, as host_length()
/// has them.
[[nodiscard]] bool is_host(std::string_view run, std::string_view around);

/// One to five digits as a port. False when they are no such number.
[[nodiscard]] inline bool read_port(std::string_view run, std::uint16_t& port) {
  std::uint32_t number = 0;
  if (run.empty() || run.size() > 5) return false;
  for (const char c : run) {
    const auto units = static_cast<unsigned char>(c - '0');
    if (units > 9) return false;
    number = number * 10 + units;
  }
  port = static_cast<std::uint16_t>(number);
  return number <= UINT16_MAX;
}

/// sip:[user@]host[:port][;parameters], where the user may begin with "+". `runs` starts behind the colon of the scheme
/// at `begin` and is left with the delimiter that ends the URI. False when it is written otherwise or is none; what is
/// then in `uri` is of no use.
template <class Runs>
[[nodiscard, gnu::always_inline]] inline bool take_uri(Runs& runs, const char* begin, Uri& uri) {
  constexpr std::size_t scheme = 3;
  const char* const user = begin + scheme + 1;
  std::string_view run = runs.next();
  const bool plus = run.empty() && runs.behind() == '+';
  if (plus) run = runs.next();
  if (runs.behind() == '@') {
    uri.user = {user, static_cast<std::size_t>(run.data() + run.size() - user)};
    if (uri.user.empty()) return false;
    uri.has_user = true;
    run = runs.next();
  } else if (plus) {
    return false;
  }
  if (!is_host(run, runs.around())) return false;
  uri.host = run;
  const char* end = run.data() + run.size();
  if (runs.behind() == ':') {
    run = runs.next();
    if (!read_port(run, uri.port)) return false;
    uri.has_port = true;
    end = run.data() + run.size();
  }
  if (runs.behind() == ';') {
    const char* const parameters = runs.at();
    do {
      run = runs.next();
      if (!run.empty() && runs.behind() == '=') run = runs.next();
      if (run.empty()) return false;
    } while (runs.behind() == ';');
    end = run.data() + run.size();
    uri.parameters = {parameters, static_cast<std::size_t>(end - parameters)};
  }
  uri.text = {begin, static_cast<std::size_t>(end - begin)};
  uri.scheme_text = {begin, scheme};
  uri.scheme = Scheme::sip;
  return uri.text.size() <= longest_uri;
}

}  // namespace bellhop::sip::plain
