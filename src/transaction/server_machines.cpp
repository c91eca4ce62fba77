#include <algorithm>

#include "transaction/machines.hpp"
#include "transaction/resend.hpp"

namespace bellhop::transaction {

InviteServer::InviteServer(const Timers& timers, bool reliable_transport) noexcept
    : timers_(&timers), reliable_(reliable_transport) {}

Result<Effects, AnswerError> InviteServer::answer(sip::StatusCode status, TimePoint now) noexcept {
  if (state_ == State::terminated) return failure(AnswerError::terminated);
  if (state_ == State::accepted && status.success()) return Effects{.send = true};
  if (state_ != State::proceeding) return failure(AnswerError::already_final);

  answered_ = true;
  if (status.provisional()) return Effects{.send = true};
  if (status.success()) {
    state_ = State::accepted;
    end_at_ = now + timers_->linger();
  } else {
    state_ = State::completed;
    end_at_ = now + timers_->give_up();
    if (!reliable_) {
      interval_ = interval_of(timers_->t1);
      resend_at_ = now + interval_;
    }
  }
  return Effects{.send = true};
}

Effects InviteServer::on_invite_again() const noexcept {
  const bool repeats = state_ == State::proceeding ? answered_ : state_ == State::completed;
  return {.send = repeats};
}

Effects InviteServer::on_ack(TimePoint now) noexcept {
  if (state_ == State::accepted) return {.pass_up = true};
  if (state_ == State::completed) {
    state_ = State::confirmed;
    resend_at_ = never;
    end_at_ = reliable_ ? now : now + timers_->t4;
  }
  return {};
}

Effects InviteServer::on_deadline(TimePoint now) noexcept {
  if (end_at_ <= now) {
    const bool ack_missing = state_ == State::completed;
    state_ = State::terminated;
    resend_at_ = end_at_ = never;
    return {.ack_missing = ack_missing, .terminated = true};
  }
  if (now < resend_at_) return {};
  interval_ = std::min(2 * interval_, interval_of(timers_->t2));
  resend_at_ = following(resend_at_, interval_, now);
  return {.send = true};
}

std::optional<TimePoint> InviteServer::next_deadline() const noexcept {
  return earlier(resend_at_, end_at_);
}

NonInviteServer::NonInviteServer(const Timers& timers, bool reliable_transport) noexcept
    : timers_(&timers), reliable_(reliable_transport) {}

Result<Effects, AnswerError> NonInviteServer::answer(sip::StatusCode status, TimePoint now) noexcept {
  if (state_ == State::terminated) return failure(AnswerError::terminated);
  if (state_ == State::completed) return failure(AnswerError::already_final);
  if (status.provisional()) {
    state_ = State::proceeding;
  } else {
    state_ = State::completed;
    end_at_ = reliable_ ? now : now + timers_->linger();
  }
  return Effects{.send = true};
}

Effects NonInviteServer::on_request_again() const noexcept {
  return {.send = state_ == State::proceeding || state_ == State::completed};
}

Effects NonInviteServer::on_deadline(TimePoint now) noexcept {
  if (now < end_at_) return {};
  state_ = State::terminated;
  end_at_ = never;
  return {.terminated = true};
}

std::optional<TimePoint> NonInviteServer::next_deadline() const noexcept {
  return earlier(never, end_at_);
}

}  // namespace bellhop::transaction
