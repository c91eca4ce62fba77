#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sip/status.hpp"

namespace bellhop::transaction {

/// The intervals of RFC 3261 section 17.1.1.1 and Table 4, all settable. Machines keep a pointer to the value they were
/// made with, which must outlive them. A reload may change it in place: a deadline already set stays, the next follows.
struct Timers {
  Duration t1 = milliseconds(500);
  Duration t2 = seconds(4);
  Duration t4 = seconds(5);
  Duration timer_b = seconds(32);                   ///< INVITE without any response (CGP-53)
  Duration timer_f = seconds(32);                   ///< non-INVITE without a final response
  Duration timer_d = seconds(32);                   ///< Completed INVITE client over UDP, 32 s at least
  Duration most_linger = never.time_since_epoch();  ///< what Timers J and L are cut to while there are too many
  [[nodiscard]] constexpr Duration give_up() const { return 64 * t1; }  ///< Timers H and M
  /// Timers J and L: how long a server transaction that is done waits for repetitions of its request.
  [[nodiscard]] constexpr Duration linger() const { return std::min(give_up(), most_linger); }
};

/// Between two repeats. The settings allow ten seconds at most for the first; in four octets, as transactions are many.
using Interval = std::chrono::duration<std::uint32_t, std::milli>;
[[nodiscard]] constexpr Interval interval_of(Duration d) {
  return std::chrono::duration_cast<Interval>(d);
}

/// What a machine wants done after an event. The machine knows nothing of messages: `send` means "the message you hold
/// for me": the last response of a server transaction; request, or ACK once completed, of a client transaction.
/// A timer of zero (reliable transports) is a deadline at `now`, so `terminated` comes from on_deadline() or
/// on_transport_error() only, never while the core is answering or reading a response.
struct Effects {
  bool send = false;          ///< (re)transmit the message held
  bool pass_up = false;       ///< the response (client machines) or the ACK (Accepted INVITE server) is for the core
  bool make_ack = false;      ///< build the ACK from this response, hold it instead of the request, and send it
  bool drop_request = false;  ///< the request held will not be sent again: free it
  bool timed_out = false;     ///< Timer B or F: tell the core
  bool ack_missing = false;   ///< Timer H: the ACK never came
  bool terminated = false;    ///< the machine has ended: forget it
};

/// How long those that are done may wait when the table is this full (CGP-35): a server that answers 25,000 requests a
/// second would else keep 800,000 of them for 32 s, and then have no room for a new one. With a quarter full they wait
/// 8 s, which is all a client on a working network needs; near the limit a second.
[[nodiscard]] constexpr Duration most_linger_at(std::size_t size, std::size_t limit) {
  if (4 * size < limit) return never.time_since_epoch();
  if (2 * size < limit) return seconds(8);
  return 4 * size < 3 * limit ? seconds(4) : seconds(1);
}

enum class AnswerError : std::uint8_t { already_final, terminated };

/// INVITE server transaction: a pure state machine without socket, clock or heap.
///
/// Spec    RFC 3261 section 17.2.1, as changed by RFC 6026 section 7.1.
/// Owner   one shard; not thread-safe and never locked.
/// Time    the caller passes `now`.
/// Errors  only answer() can fail. What arrives from the network is absorbed or repeated, never refused.
class InviteServer {
 public:
  enum class State : std::uint8_t { proceeding, completed, confirmed, accepted, terminated };

  InviteServer(const Timers& timers, bool reliable_transport) noexcept;

  /// The core answers: any number of 1xx, then one final; a repeated 2xx is allowed in Accepted because the core (or
  /// the callee behind a proxy) owns 2xx retransmission.
  Result<Effects, AnswerError> answer(sip::StatusCode status, TimePoint now) noexcept;

  [[nodiscard]] Effects on_invite_again() const noexcept;     ///< the same INVITE arrived again
  [[nodiscard]] Effects on_ack(TimePoint now) noexcept;       ///< an ACK with this branch
  [[nodiscard]] Effects on_deadline(TimePoint now) noexcept;  ///< `now` has reached next_deadline()
  [[nodiscard]] std::optional<TimePoint> next_deadline() const noexcept;
  [[nodiscard]] State state() const noexcept { return state_; }

 private:
  const Timers* timers_;
  State state_ = State::proceeding;
  bool reliable_;
  bool answered_ = false;        ///< something was sent, so a repeated INVITE can be answered
  Interval interval_{};          ///< Timer G
  TimePoint resend_at_ = never;  ///< Timer G
  TimePoint end_at_ = never;     ///< Timers H, I, L
};

/// Non-INVITE server transaction. Spec: RFC 3261 section 17.2.2 (erratum 1470: Trying may go to Completed), RFC 4320.
class NonInviteServer {
 public:
  enum class State : std::uint8_t { trying, proceeding, completed, terminated };
  NonInviteServer(const Timers& timers, bool reliable_transport) noexcept;
  Result<Effects, AnswerError> answer(sip::StatusCode status, TimePoint now) noexcept;
  [[nodiscard]] Effects on_request_again() const noexcept;
  [[nodiscard]] Effects on_deadline(TimePoint now) noexcept;  ///< Timer J
  [[nodiscard]] std::optional<TimePoint> next_deadline() const noexcept;
  [[nodiscard]] State state() const noexcept { return state_; }

 private:
  const Timers* timers_;
  State state_ = State::trying;
  bool reliable_;
  TimePoint end_at_ = never;
};

/// INVITE client transaction. Spec: RFC 3261 section 17.1.1, RFC 6026 section 7.2 (Accepted, Timer M).
/// The caller sends the request once at construction; effects say when to repeat it.
///
/// A 2xx that follows another final response (a proxy further down sent 486 and then let a late 200 pass, section 16.7)
/// is for the core too: it is not a repeat of what Completed absorbs, and every 2xx must reach the caller.
class InviteClient {
 public:
  enum class State : std::uint8_t { calling, proceeding, completed, accepted, terminated };
  InviteClient(const Timers& timers, bool reliable_transport, TimePoint now) noexcept;
  [[nodiscard]] Effects on_response(sip::StatusCode status, TimePoint now) noexcept;
  [[nodiscard]] Effects on_deadline(TimePoint now) noexcept;  ///< Timers A, B, D, M
  [[nodiscard]] Effects on_transport_error() noexcept;        ///< ends it, but not in Accepted, where nothing is sent
  /// Nobody waits for the final response any more: when none comes within 64*T1 it ends by itself (RFC 3261
  /// section 9.1).
  void abandon(TimePoint now) noexcept;
  [[nodiscard]] std::optional<TimePoint> next_deadline() const noexcept;
  [[nodiscard]] State state() const noexcept { return state_; }

 private:
  const Timers* timers_;
  State state_ = State::calling;
  bool reliable_;
  Interval interval_{};
  TimePoint resend_at_ = never;
  TimePoint end_at_ = never;
};

/// Non-INVITE client transaction. Spec: RFC 3261 section 17.1.2, RFC 4320.
class NonInviteClient {
 public:
  enum class State : std::uint8_t { trying, proceeding, completed, terminated };
  NonInviteClient(const Timers& timers, bool reliable_transport, TimePoint now) noexcept;
  [[nodiscard]] Effects on_response(sip::StatusCode status, TimePoint now) noexcept;
  [[nodiscard]] Effects on_deadline(TimePoint now) noexcept;  ///< Timers E, F, K
  [[nodiscard]] Effects on_transport_error() noexcept;        ///< ends it, but not in Completed, where nothing is sent
  [[nodiscard]] std::optional<TimePoint> next_deadline() const noexcept;
  [[nodiscard]] State state() const noexcept { return state_; }

 private:
  const Timers* timers_;
  State state_ = State::trying;
  bool reliable_;
  Interval interval_{};
  TimePoint resend_at_ = never;
  TimePoint end_at_ = never;
};

}  // namespace bellhop::transaction
