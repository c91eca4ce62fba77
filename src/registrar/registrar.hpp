#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "config/snapshot.hpp"
#include "location/table.hpp"
#include "net/flow.hpp"
#include "observe/decision.hpp"
#include "observe/metrics.hpp"
#include "registrar/contacts.hpp"
#include "routing/gruu.hpp"
#include "sip/message.hpp"
#include "sip/status.hpp"
#include "sip/values.hpp"

namespace bellhop::registrar {

/// The registrar of RFC 3261 section 10.3, steps 2 and 4 to 8, with Path (RFC 3327): reads a REGISTER, changes the
/// bindings of its address-of-record and says what to answer. Sends nothing.
///
/// Before it  the pipeline has checked the Request-URI's domain, the credentials and that their owner may register this
///            address-of-record.
/// Owner      one shard; keeps only scratch memory between calls. The location table is shared by all shards.
/// Errors     a refusal is a Reply like any other; nothing is stored then.
/// Cost       a refresh takes no heap allocation.
class Registrar {
 public:
  struct Reply {
    sip::StatusCode status = 200;
    const char* reason = "";  ///< static; empty: the registered phrase
    std::string headers;      ///< whole lines with CRLF to put into the response: Contact, Path, Date, Min-Expires,
                              ///< Unsupported, Retry-After ...
  };

  /// Counts registrar.accepted and registrar.rejected in `metrics`, which must outlive this.
  Registrar(location::Table& table, observe::Metrics& metrics, const crypto::Key& key = {});

  /// `aor` is canonical (sip::address_of_record with the domain's own name) and non-empty; `lane` is the shard's
  /// number, `sender` what the device needs.
  /// The reply is valid until the next call.
  [[nodiscard]] const Reply& on_register(const sip::Message& request, const net::Flow& from, std::string_view aor,
                                         const config::Snapshot& settings, unsigned lane, TimePoint now,
                                         observe::DecisionRecord& decision, config::Workarounds sender = 0);

 private:
  struct Work;
  Reply process(const Work& work);
  Reply change(const Work& work);
  Reply read_change(const Work& work, const sip::Contact& contact, std::optional<std::uint32_t> expires,
                    location::Change& out);
  Reply remove_all(const Work& work);
  static Reply refuse_update(location::UpdateError error);
  Reply accept(const Work& work);
  static void append_outbound(std::string& out, const Work& work);

  location::Table& table_;
  observe::Counter& accepted_;
  observe::Counter& rejected_;
  std::vector<location::Change> changes_;  ///< reused: their strings keep their memory
  location::Listing bindings_;
  AllowReader allow_;
  Reply reply_;
  std::string headers_;  ///< those of the last reply but one: memory for the next
  routing::Gruus gruus_;
  std::string path_;        ///< of the request at hand
  bool flow_kept_ = false;  ///< it registered by its flow (RFC 5626)
  std::string date_;        ///< Date line of date_second_
  std::int64_t date_second_ = -1;
};

}  // namespace bellhop::registrar
