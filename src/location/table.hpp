#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "location/binding.hpp"
#include "location/listing.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "storage/journal.hpp"

namespace bellhop::location {

/// What one REGISTER wants done to its address-of-record, checked by the registrar.
struct Change {
  enum class Kind : std::uint8_t { put, remove };
  Kind kind = Kind::put;
  Binding binding;  ///< of a removal only contact, instance, reg_id, call_id and cseq matter
};

enum class UpdateError : std::uint8_t {
  out_of_order,  ///< same Call-ID, CSeq not higher, and not a repeat of what is stored (RFC 3261 section 10.3 items 6,
                 ///< 7)
  too_many_contacts,  ///< REG-10
  too_long            ///< a text of more than 4096 octets
};

struct UpdateLimits {
  std::size_t max_contacts = 10;
};

/// All bindings of the server, by address-of-record. State shared but narrow: striped locks held for one call, values
/// copied out, no callback under a lock.
///
/// Matching  by instance and reg-id when the contact has an instance (RFC 5626 section 6.1), else by URI equivalence
///           (RFC 3261 section 19.1.4); README.md says what happens when they disagree.
/// Order     RFC 3261 section 10.3: a lower or equal CSeq with the same Call-ID aborts the whole request; the very
///           repeat of the request that made the binding (same CSeq, within 32 s) is answered as the first time
///           (USR-09).
/// Journal   every change is appended as a value to the lane of the calling shard; expiries need no record.
/// Restart   ids stay unique; a binding keeps its flow's addresses but not its stream, which died with the process.
/// Expiry    a binding past its time is invisible at once and freed by expire(), which a side thread or shard calls in
///           slices.
/// Threads   any, for all calls but open_journal().
/// Cost      a refresh or a look-up is one hash, one short lock and the copies; no heap when the caller reuses what it
///           gives for the result.
class Table {
 public:
  /// Publishes location.bindings, location.addresses and location.expired in `metrics`.
  Table(observe::Metrics& metrics, std::uint64_t hash_seed);
  ~Table();

  /// Opens the journal and replays it (aim: 300,000 bindings in under 2 s). Expired bindings are left out. Before
  /// traffic.
  void open_journal(const storage::Journal::Settings& settings, unsigned lanes, observe::Log& log,
                    observe::Metrics& metrics, TimePoint now);
  void flush_journal();  ///< blocks until everything is on disk; for the end of the program and tests

  /// Applies all changes or none. `result` receives the bindings that stand afterwards; it is of use as long as
  /// `changes` are.
  Result<void, UpdateError> update(std::string_view aor, std::span<const Change> changes, const UpdateLimits& limits,
                                   unsigned lane, TimePoint now, Listing& result);
  /// "Contact: *" with "Expires: 0" (RFC 3261 section 10.2.2): all bindings; same order rule for those with this
  /// Call-ID.
  Result<void, UpdateError> remove_all(std::string_view aor, std::string_view call_id, std::uint32_t cseq,
                                       unsigned lane, TimePoint now);

  /// Fresh bindings of an address-of-record, in order of q, newest first among equals. False when there are none.
  bool find(std::string_view aor, TimePoint now, std::vector<Binding>& out) const;
  void find(std::string_view aor, TimePoint now, Listing& out,
            Listing::AgentTexts agents = Listing::AgentTexts::left_out) const;

  /// For the operator (USR-15): without order rule.
  bool remove(std::string_view aor, std::uint64_t id, TimePoint now);
  bool remove_aor(std::string_view aor, TimePoint now);
  /// A connection ended: removes the bindings that lead over it. Those refreshed over another one meanwhile stay. How
  /// many went.
  std::size_t remove_over(std::string_view aor, const net::Flow& flow, TimePoint now);
  /// False when a text is too long.
  bool add(std::string_view aor, const Binding& binding, TimePoint now);
  /// Visits up to `limit` bindings whose aor contains `needle`; values are copied out before visit is called.
  void for_each(std::string_view needle, std::size_t limit, TimePoint now,
                const std::function<void(const std::string& aor, const Binding&)>& visit) const;

  /// Copies the fresh bindings of one of `slices` parts of the table, those behind NAT or all: for keep-alives.
  void collect(std::size_t slice, std::size_t slices, bool only_natted, TimePoint now, std::vector<Binding>& out) const;

  /// Frees what has expired in the next stripes and returns how many; called once a second, all come by in a minute.
  std::size_t expire(TimePoint now);

  [[nodiscard]] std::size_t bindings() const;   ///< gauge location.bindings
  [[nodiscard]] std::size_t addresses() const;  ///< addresses-of-record with at least one binding (USR-16 users)

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bellhop::location
