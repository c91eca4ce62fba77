#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/flow.hpp"
#include "sip/edits.hpp"
#include "sip/message.hpp"

namespace bellhop::proxy {

/// What is done to the Contacts of a message that passes. Nothing: they pass as they are.
struct ContactEdits {
  const net::Flow* alias =
      nullptr;  ///< its sender stands behind NAT and sends from here: ";alias=address~port~transport" (RT-16)
  const net::Flow* fix = nullptr;  ///< host and port are replaced by these (CGP-74)
  bool drop_tcp = false;           ///< transport=tcp goes (CGP-66)
  bool drop_maddr = false;
  std::string_view instead = {};  ///< the whole URI, of the first Contact (CGP-67); empty: its own

  [[nodiscard]] bool any() const {
    return alias != nullptr || fix != nullptr || drop_tcp || drop_maddr || !instead.empty();
  }
};

/// A Contact that is a GRUU (RFC 5627) keeps its host and gets no alias: it is found by its registration. "*" and other
/// schemes pass.
void edit_contacts(sip::Edits& edits, const sip::Message& message, const ContactEdits& wanted);

/// The first Contact that is a SIP URI: the one that `instead` replaces.
[[nodiscard]] std::optional<sip::Uri> first_sip_contact(const sip::Message& message);

/// The alias in a Request-URI that came back from such a Contact: where its phone sends from, when that is over UDP,
/// and the URI as the phone wrote it.
struct Alias {
  std::optional<Endpoint> udp;
  std::string uri;
};
/// Nothing when there is none or it is none of ours in form.
[[nodiscard]] std::optional<Alias> alias_of(std::string_view uri);

/// Takes UPDATE out of the Allow lines (CGP-73).
void drop_update(sip::Edits& edits, const sip::Message& message);

/// The epid parameter of a From or To value; empty: none. Only what can be written back as it is.
[[nodiscard]] std::string_view epid_of(std::string_view value);
/// Puts it behind the From or To where it is missing (CGP-69).
void restore_epid(sip::Edits& edits, const sip::Message& message, sip::HeaderId id, std::string_view epid);

}  // namespace bellhop::proxy
