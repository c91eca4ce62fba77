#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/slot.hpp"
#include "base/time.hpp"
#include "crypto/token.hpp"
#include "net/flow.hpp"
#include "net/timer.hpp"
#include "observe/metrics.hpp"
#include "sip/message.hpp"
#include "transaction/machines.hpp"
#include "transaction/sent_via.hpp"

namespace bellhop::transaction {

/// Where transactions send. Implemented by the shard over its transport; called on the shard's thread, never
/// re-entering the tables.
class Output {
 public:
  virtual ~Output() = default;
  virtual void transmit(const net::Flow& to, std::string_view octets) = 0;
};

/// Kinds of timer tokens; the shard routes a fired token by its kind (top byte) to the table that armed it.
enum class TimerKind : std::uint8_t { server = 1, client = 2, fork = 3, other = 4 };
[[nodiscard]] constexpr std::uint64_t timer_token(TimerKind kind, SlotId id) {
  return (std::uint64_t{static_cast<std::uint8_t>(kind)} << 56) | (std::uint64_t{id.generation & 0xffffff} << 32) |
         id.index;
}
// A token holds 24 bits of the generation; tables check them (Timer objects die with their transaction, so a stale
// token cannot fire, the check is a second fence).
[[nodiscard]] constexpr bool token_names(std::uint64_t token, SlotId id) {
  return id.valid() && (token & 0x00ff'ffff'ffff'ffff) == (timer_token(TimerKind::other, id) & 0x00ff'ffff'ffff'ffff);
}

/// Of one shard. A quarter above `server` is kept for CANCEL and requests within a dialog: at the limit calls can still
/// be ended.
struct Limits {
  std::size_t server = 500'000;  ///< concurrent server transactions; new requests above are dropped (CGP-35)
  std::size_t client = 500'000;  ///< above it none is started (CGP-49); CANCEL is never refused
};

/// All server transactions of a shard: matching, absorption of repeats, answering (RFC 3261 section 17.2.3; peers of
/// RFC 2543 without branch cookie match by Request-URI, To tag, From tag, Call-ID, CSeq number and top Via).
///
/// Keys    a 128-bit seeded hash of (branch, sent-by, method with ACK folded to INVITE): no texts are kept.
/// Memory  a transaction keeps its last response and where to send it; a finished one nothing more, and not even that
///         when no repeat will be answered (Accepted, Confirmed, anything final but a rejected INVITE over streams).
/// Cost    absorbing a repeat allocates nothing.
/// Owner   one shard. `timers`, `wheel`, `output` and `metrics` must outlive it.
class ServerTransactions {
 public:
  ServerTransactions(const Timers& timers, net::TimerWheel& wheel, Output& output, observe::Metrics& metrics,
                     std::uint64_t hash_seed);
  ~ServerTransactions();

  enum class Arrival : std::uint8_t {
    fresh,  ///< no transaction matches: the request is new (or an ACK that belongs to a 2xx, or a stray CANCEL target)
    absorbed,  ///< a repeat or the ACK to a non-2xx: dealt with, nothing more to do
    merged,    ///< same From tag, Call-ID and CSeq as one under way but another branch: 482 (RFC 3261 section 8.2.2.2)
  };
  /// By which the transaction of this request is found: made once for all that is asked about it.
  [[nodiscard]] Hash128 key_of(const sip::Message& request) const;
  /// Matches a request. For an ACK `fresh` means: no INVITE transaction has this branch, or one that answered 2xx.
  [[nodiscard]] Arrival on_request(const sip::Message& request, const Hash128& key, TimePoint now);
  [[nodiscard]] Arrival on_request(const sip::Message& request, TimePoint now) {
    return on_request(request, key_of(request), now);
  }

  /// A new transaction for a fresh request that is not an ACK; invalid id at the limit. `reply_to` is where responses
  /// go (RFC 3261 section 18.2.2 already applied by transport). `track_merge`: register for merged-request detection,
  /// for requests without To tag.
  [[nodiscard]] SlotId create(const sip::Message& request, const Hash128& key, const net::Flow& reply_to,
                              bool track_merge, TimePoint now);
  [[nodiscard]] SlotId create(const sip::Message& request, const net::Flow& reply_to, bool track_merge, TimePoint now) {
    return create(request, key_of(request), reply_to, track_merge, now);
  }

  /// The INVITE transaction a CANCEL refers to (RFC 3261 section 9.2): same branch and sent-by, method INVITE.
  [[nodiscard]] SlotId find_cancelled(const sip::Message& cancel) const;

  /// Answers: keeps the octets for repeats, sends them. A 1xx after a final or a second final is ignored (false); a
  /// repeated 2xx in Accepted passes. A 2xx that must reach the caller after another final (RFC 3261 section 16.7) is
  /// the core's to send, to reply_flow().
  bool answer(SlotId id, sip::StatusCode status, std::string_view octets, TimePoint now);
  [[nodiscard]] const net::Flow* reply_flow(SlotId id) const;
  [[nodiscard]] bool answered_finally(SlotId id) const;
  /// It will be answered soon: what is needed for that is brought nearer.
  void prefetch(SlotId id) const;
  /// The core's own value kept with the transaction (the shard keeps the SlotId of the fork here).
  void set_owner(SlotId id, SlotId owner);
  [[nodiscard]] SlotId owner(SlotId id) const;
  /// Ends a transaction at once without answering and without on_end: a non-INVITE that timed out further down (RFC
  /// 4320 section 4.2 forbids a 408), drain. The stateless 401 path never creates one.
  void forget(SlotId id);

  /// A timer armed with TimerKind::server fired.
  void on_timer(std::uint64_t token, TimePoint now);

  /// Send "100 Trying" for a non-INVITE when its request is repeated (CGP-43). The 100 must have been prepared with
  /// keep_trying(): it is not sent before a repeat comes.
  void keep_trying(SlotId id, std::string_view octets);

  /// Told from within on_timer() when a transaction has ended: (its id, the owner's id, whether the ACK was missing).
  std::function<void(SlotId id, SlotId owner, bool ack_missing)> on_end;

  [[nodiscard]] std::size_t size() const;
  void set_limit(std::size_t limit);
  [[nodiscard]] std::size_t limit() const;
  struct Row {  ///< for the monitor (CGP-76)
    SlotId id;
    SlotId owner;
    sip::Method method;
    const char* phase;  ///< "trying", "proceeding", "completed" ...
    const net::Flow* source;
    TimePoint started;
    std::uint32_t messages;
  };
  void for_each(const std::function<void(const Row&)>& visit);  ///< `visit` must not call back

 private:
  struct Entry;
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

/// All client transactions of a shard. The branch names the slot, so a response finds its transaction in O(1) without a
/// map; it holds a keyed hash too, so that nobody can make up the branch of a transaction; a hash of the whole is
/// compared.
///
/// Memory  a transaction keeps its request while it may be repeated, cancelled or acknowledged; then only the ACK.
/// Owner   one shard. `timers`, `wheel`, `output` and `metrics` must outlive it.
class ClientTransactions {
 public:
  /// `epoch` differs between processes that share a key, so that no branch ever comes twice (slots start over).
  ClientTransactions(const Timers& timers, net::TimerWheel& wheel, Output& output, observe::Metrics& metrics,
                     const crypto::Key& key, std::uint16_t shard, std::uint32_t epoch = 0);
  ~ClientTransactions();

  /// Takes a slot so that the Via can be written: invalid at the limit. Must be followed by start() or release().
  [[nodiscard]] SlotId reserve();
  void release(SlotId id);
  /// "z9hG4bK" + token of (shard, slot, generation, mac) + "." + loop, where `loop` is the loop-detection value of RFC
  /// 3261 section 16.6 item 8 as updated by RFC 5393 (13 characters).
  void append_branch(std::string& out, SlotId id, std::uint64_t loop) const;

  /// Sends the request and runs its machine. `octets` is the whole request as sent. The INVITE kind is told by `method`
  /// (ACK is refused and its slot released: it has no transaction). `owner` comes back with every event.
  /// `via` is what responses are compared with: of what the caller has just written, else it is read from the octets.
  void start(SlotId id, sip::Method method, std::string_view octets, const SentVia& via, const net::Flow& to,
             SlotId owner, TimePoint now);
  void start(SlotId id, sip::Method method, std::string_view octets, const net::Flow& to, SlotId owner, TimePoint now) {
    start(id, method, octets, SentVia::of_request(octets), to, owner, now);
  }
  /// Sends CANCEL for an INVITE transaction as a transaction of its own, which nobody waits for (RFC 3261 section 9.1).
  /// The caller has seen a 1xx (section 9.1) and not yet a final response; otherwise, and a second time, nothing is
  /// done. `reason` is a Reason header value or empty. The CANCEL ends with its INVITE at the latest.
  void cancel(SlotId invite, std::string_view reason, TimePoint now);

  struct Match {
    enum class Kind : std::uint8_t {
      not_ours,  ///< no such branch, wrong CSeq method or sent-by, a Via added or removed: drop (RFC 6026 section 7.3,
                 ///< RFC 3261 section 18.1.2, threats 34, 49)
      absorbed,  ///< a repeat the machine ate
      pass_up,   ///< for the core
    };
    Kind kind = Kind::not_ours;
    SlotId id, owner;  ///< `id` stays good until the next on_timer(), also after a final response
  };
  [[nodiscard]] Match on_response(const sip::Message& response, TimePoint now);

  /// The loop value of a Via branch made by this server (any shard, any earlier process with this key), if it is one.
  [[nodiscard]] std::optional<std::uint64_t> loop_value(std::string_view branch) const;
  /// The shard named in one of our branches.
  [[nodiscard]] std::optional<std::uint16_t> shard_of(std::string_view branch) const;

  void on_timer(std::uint64_t token, TimePoint now);
  /// Nothing can be sent to this flow any more (connection gone, ICMP): every transaction on it that has no final
  /// response yet fails with on_failure. For UDP `flow` matches by remote endpoint. Cost: those on this flow, not all.
  void on_flow_failed(const net::Flow& flow, TimePoint now);

  /// The core waits no longer for a cancelled INVITE: a final response that still comes is acknowledged and told to
  /// nobody, and after 64*T1 without one the transaction ends (RFC 3261 section 9.1).
  void abandon(SlotId invite, TimePoint now);

  /// (id, owner, timed_out: Timer B/F, else transport failure). Called from within on_timer() only, the transaction
  /// already forgotten.
  std::function<void(SlotId id, SlotId owner, bool timed_out)> on_failure;

  [[nodiscard]] std::size_t size() const;
  void set_limit(std::size_t limit);
  struct Row {
    SlotId id, owner;
    sip::Method method;
    const char* phase;
    const net::Flow* target;
    TimePoint started;
    std::uint32_t messages;
  };
  void for_each(const std::function<void(const Row&)>& visit);  ///< `visit` must not call back

 private:
  struct Entry;
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace bellhop::transaction
