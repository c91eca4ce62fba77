#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "stranger.hpp"

namespace bellhop::scenario {

/// A phone that knows only its private address: its Via and Contact name it, its packets come from where the NAT puts
/// them.
class BehindNat {
 public:
  BehindNat(World& world, std::string name, const std::string& outside, std::string inside,
            sip::Transport transport = sip::Transport::udp)
      : name_(std::move(name)),
        inside_(std::move(inside)),
        transport_(transport),
        outside_(outside),
        stranger(world, transport, outside),
        world_(world) {}

  [[nodiscard]] Draft draft(std::string_view method, std::string_view uri) {
    return stranger.draft(method, uri)
        .set("Via", fmt::format("SIP/2.0/{} {};rport;branch=z9hG4bKnat{}-{}-{}", sip::via_name(transport_), inside_,
                                name_, stranger.local().port, ++next_))
        .set("From", fmt::format("<sip:{}@example.test>;tag={}", name_, name_))
        .set("Contact", contact());
  }
  [[nodiscard]] std::string contact() const {
    return fmt::format("<sip:{}@{}{}>", name_, inside_, transport_ == sip::Transport::tcp ? ";transport=tcp" : "");
  }
  /// Registers `more` parameters behind the Contact; the 200.
  std::string register_contact(std::string_view parameters = {}, std::string_view supported = {}) {
    Draft draft = this->draft("REGISTER", "sip:example.test").set("To", fmt::format("<sip:{}@example.test>", name_));
    draft.set("Call-ID", "register-" + outside_).set("CSeq", fmt::format("{} REGISTER", ++registers_));
    draft.set("Contact", contact() + std::string(parameters));
    if (!supported.empty()) draft.set("Supported", std::string(supported));
    return tell(draft);
  }
  /// Sends it and returns the last that came back in a moment.
  std::string tell(const std::string& octets) {
    stranger.forget();
    stranger.send(octets);
    world_.run_for(milliseconds(50));
    return stranger.received().empty() ? std::string() : stranger.received().back();
  }
  std::string tell(const Draft& draft) { return tell(draft.text()); }
  /// What it heard last; empty: nothing.
  [[nodiscard]] std::string last() const {
    return stranger.received().empty() ? std::string() : stranger.received().back();
  }
  [[nodiscard]] std::string last(std::string_view start) const { return stranger.last(start); }
  /// Answers the last request of this method, its own Contact and `more` lines in it.
  std::string answer(std::string_view method, std::string_view status, std::string_view more = {}) {
    const std::string request = last(method);
    std::string octets = with_contact(answer_to(request, status), "Contact: " + contact());
    octets.insert(octets.find("Content-Length:"), more);
    stranger.send(octets);
    world_.run_for(milliseconds(50));
    return octets;
  }

 private:
  std::string name_, inside_;
  sip::Transport transport_;
  std::string outside_;
  int next_ = 0, registers_ = 0;

 public:
  Stranger stranger;

 private:
  World& world_;
};

}  // namespace bellhop::scenario
