#include <algorithm>

#include "transaction/machines.hpp"
#include "transaction/resend.hpp"

namespace bellhop::transaction {

namespace {
/// RFC 3261 section 17.1.1.2: the server's T1 is not known, so Timer D has an absolute minimum.
constexpr Duration least_timer_d = seconds(32);
}  // namespace

InviteClient::InviteClient(const Timers& timers, bool reliable_transport, TimePoint now) noexcept
    : timers_(&timers),
      reliable_(reliable_transport),
      interval_(interval_of(timers.t1)),
      end_at_(now + timers.timer_b) {
  if (!reliable_) resend_at_ = now + interval_;
}

Effects InviteClient::on_response(sip::StatusCode status, TimePoint now) noexcept {
  switch (state_) {
    case State::calling:
    case State::proceeding:
      resend_at_ = never;
      if (status.provisional()) {
        state_ = State::proceeding;
        end_at_ = never;
        return {.pass_up = true};
      }
      if (status.success()) {
        state_ = State::accepted;
        end_at_ = now + timers_->give_up();
        return {.pass_up = true, .drop_request = true};
      }
      state_ = State::completed;
      end_at_ = reliable_ ? now : now + std::max(timers_->timer_d, least_timer_d);
      return {.pass_up = true, .make_ack = true, .drop_request = true};
    case State::completed:
      if (status.success()) return {.pass_up = true};
      return {.send = status.final()};
    case State::accepted: return {.pass_up = status.success()};
    case State::terminated: break;
  }
  return {};
}

Effects InviteClient::on_deadline(TimePoint now) noexcept {
  if (end_at_ <= now) {
    const bool timed_out = state_ == State::calling;
    state_ = State::terminated;
    resend_at_ = end_at_ = never;
    return {.timed_out = timed_out, .terminated = true};
  }
  if (now < resend_at_) return {};
  interval_ *= 2;
  resend_at_ = following(resend_at_, interval_, now);
  return {.send = true};
}

Effects InviteClient::on_transport_error() noexcept {
  if (state_ == State::accepted) return {};
  state_ = State::terminated;
  resend_at_ = end_at_ = never;
  return {.terminated = true};
}

void InviteClient::abandon(TimePoint now) noexcept {
  if (state_ == State::proceeding) end_at_ = now + timers_->give_up();
}

std::optional<TimePoint> InviteClient::next_deadline() const noexcept {
  return earlier(resend_at_, end_at_);
}

NonInviteClient::NonInviteClient(const Timers& timers, bool reliable_transport, TimePoint now) noexcept
    : timers_(&timers),
      reliable_(reliable_transport),
      interval_(interval_of(timers.t1)),
      end_at_(now + timers.timer_f) {
  if (!reliable_) resend_at_ = now + interval_;
}

Effects NonInviteClient::on_response(sip::StatusCode status, TimePoint now) noexcept {
  if (state_ == State::completed || state_ == State::terminated) return {};
  if (status.provisional()) {
    state_ = State::proceeding;
    return {.pass_up = true};
  }
  state_ = State::completed;
  resend_at_ = never;
  end_at_ = reliable_ ? now : now + timers_->t4;
  return {.pass_up = true, .drop_request = true};
}

Effects NonInviteClient::on_deadline(TimePoint now) noexcept {
  if (end_at_ <= now) {
    const bool timed_out = state_ != State::completed;
    state_ = State::terminated;
    resend_at_ = end_at_ = never;
    return {.timed_out = timed_out, .terminated = true};
  }
  if (now < resend_at_) return {};
  const Interval t2 = interval_of(timers_->t2);
  interval_ = state_ == State::proceeding ? t2 : std::min(2 * interval_, t2);
  resend_at_ = following(resend_at_, interval_, now);
  return {.send = true};
}

Effects NonInviteClient::on_transport_error() noexcept {
  if (state_ == State::completed) return {};
  state_ = State::terminated;
  resend_at_ = end_at_ = never;
  return {.terminated = true};
}

std::optional<TimePoint> NonInviteClient::next_deadline() const noexcept {
  return earlier(resend_at_, end_at_);
}

}  // namespace bellhop::transaction
