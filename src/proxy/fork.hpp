#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "sip/status.hpp"

namespace bellhop::proxy {

/// The response context of one forwarded request (RFC 3261 section 16.7): which branches ring, which response is the
/// best, when to cancel, try the next group or answer. A pure state machine: it is told events and says what to do; it
/// holds no message, socket or clock.
///
/// Spec    RFC 3261 sections 9, 16.6 to 16.8, 16.10; RFC 4320 section 4.2 (no 408 for non-INVITE); features.md CGP-54,
/// MSG-06. Owner   one shard, inside a Forwarding.
class Fork {
 public:
  struct Settings {
    Duration timer_c = seconds(185);
    Duration cancel_wait = seconds(5);
    Duration late_wait =
        seconds(32);  ///< how long a branch that was given up may still bring a 2xx (section 16.7 step 5): 64*T1
  };
  enum class Do : std::uint8_t {
    start,          ///< send the request on this branch
    cancel,         ///< send CANCEL on this branch
    forward,        ///< pass the response just received on this branch upstream
    keep_best,      ///< the response just received is the best so far: keep it
    add_challenge,  ///< keep its challenges: they go into the best answer (section 16.7 step 7)
    answer_best,    ///< send the kept response upstream
    answer_own,     ///< send a response of our own with status()
    abandon,        ///< wait no longer for this branch: it was cancelled and never ended
    finish,         ///< nothing more to wait for
  };
  struct Action {
    Do what;
    std::uint16_t branch = 0;
  };
  using Actions = std::vector<Action>;

  Fork(bool invite, const Settings& settings) : settings_(settings), invite_(invite) {}

  /// Before begin(), or while responses come in (recursion on 3xx): one more target. Returns its index.
  std::uint16_t add_branch(std::uint16_t q);

  void begin(TimePoint now, Actions& out);
  void on_response(std::uint16_t branch, sip::StatusCode status, TimePoint now, Actions& out);
  /// No response will come: time-out (408), no address or transport failure (503), refused before sending.
  void on_failed(std::uint16_t branch, sip::StatusCode stands_for, TimePoint now, Actions& out);
  /// Whether this branch may still send the request somewhere: not ended, and nobody wants it to end.
  [[nodiscard]] bool wanted(std::uint16_t branch) const;
  /// The branch goes to its next target (RFC 3263 section 4.3): as if it had just been started.
  void on_retried(std::uint16_t branch, TimePoint now);
  /// The branch ended in a redirection that is followed: the targets were added with add_branch().
  void on_redirected(std::uint16_t branch, TimePoint now, Actions& out);
  /// The caller cancelled (its CANCEL was answered already).
  void on_cancelled(TimePoint now, Actions& out);
  void on_deadline(TimePoint now, Actions& out);
  [[nodiscard]] TimePoint next_deadline() const;

  [[nodiscard]] sip::StatusCode status() const { return own_status_; }
  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] bool succeeded() const { return succeeded_; }
  [[nodiscard]] bool cancelled() const { return cancelled_; }
  [[nodiscard]] std::size_t branches() const { return branches_.size(); }
  [[nodiscard]] bool finished() const { return finished_; }

 private:
  enum class State : std::uint8_t { waiting, trying, proceeding, done };
  struct Branch {
    std::uint16_t q;
    State state = State::waiting;
    bool cancel_wanted = false;  ///< as soon as a 1xx allows it (section 9.1)
    bool cancel_sent = false;
    bool abandoned = false;      ///< the caller was answered without it; its transaction may still end by itself
    TimePoint deadline = never;  ///< Timer C, or the 487 wait
  };
  void start_next_group(TimePoint now, Actions& out);
  void cancel_pending(TimePoint now, Actions& out);
  void cancel_branch(std::uint16_t index, TimePoint now, Actions& out);
  void on_final(std::uint16_t index, sip::StatusCode status, bool received, TimePoint now, Actions& out);
  void consider(std::uint16_t index, sip::StatusCode status, bool received, Actions& out);
  void move_on(TimePoint now, Actions& out);
  void answer(Actions& out);
  [[nodiscard]] bool pending() const;
  [[nodiscard]] bool lingering() const;

  Settings settings_;
  bool invite_;
  bool answered_ = false;   ///< a final response went upstream
  bool succeeded_ = false;  ///< a 2xx went upstream
  bool cancelled_ = false;
  bool stopped_ = false;  ///< no further groups: 2xx, 6xx or CANCEL
  bool finished_ = false;
  bool best_kept_ = false;  ///< the best response is one we received, not one of our own
  sip::StatusCode best_;    ///< 0: none yet
  sip::StatusCode own_status_;
  boost::container::small_vector<Branch, 1> branches_;
};

}  // namespace bellhop::proxy
