#include "proxy/fork.hpp"

#include <algorithm>

namespace bellhop::proxy {

namespace {

/// Smaller is better (RFC 3261 section 16.7 step 6): any 6xx, then the lowest class; inside the 4xx those that tell the
/// caller how to do better.
int rank(sip::StatusCode status) {
  if (status.class_of() == 6) return 0;
  const bool helpful = status == 401 || status == 407 || status == 415 || status == 420 || status == 484;
  // 408 and 503 come last in their classes: another branch's answer says more.
  const bool empty_handed = status == 408 || status == 503;
  return status.class_of() * 10 + (helpful ? 0 : empty_handed ? 2 : 1);
}

}  // namespace

std::uint16_t Fork::add_branch(std::uint16_t q) {
  branches_.push_back(Branch{.q = q});
  return static_cast<std::uint16_t>(branches_.size() - 1);
}

void Fork::begin(TimePoint now, Actions& out) {
  start_next_group(now, out);
}

void Fork::start_next_group(TimePoint now, Actions& out) {
  int best_q = -1;
  for (const Branch& branch : branches_)
    if (branch.state == State::waiting) best_q = std::max(best_q, static_cast<int>(branch.q));
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    Branch& branch = branches_[i];
    if (branch.state != State::waiting || branch.q != best_q) continue;
    branch.state = State::trying;
    if (invite_) branch.deadline = now + settings_.timer_c;
    out.push_back({Do::start, static_cast<std::uint16_t>(i)});
  }
}

bool Fork::pending() const {
  return std::any_of(branches_.begin(), branches_.end(), [](const Branch& b) {
    return (b.state == State::trying || b.state == State::proceeding) && !b.abandoned;
  });
}

bool Fork::lingering() const {
  return std::any_of(branches_.begin(), branches_.end(),
                     [](const Branch& b) { return b.abandoned && b.state != State::done; });
}

void Fork::on_response(std::uint16_t index, sip::StatusCode status, TimePoint now, Actions& out) {
  if (index >= branches_.size()) return;
  Branch& branch = branches_[index];
  if (status.success() && invite_) {  // every 2xx goes up, however late (section 16.7 step 5)
    out.push_back({Do::forward, index});
    answered_ = stopped_ = succeeded_ = true;
    branch.state = State::done;
    branch.deadline = never;
    cancel_pending(now, out);
    return move_on(now, out);
  }
  if (branch.state == State::done || branch.state == State::waiting) return;
  if (status.provisional()) {
    branch.state = State::proceeding;
    if (branch.cancel_wanted) return cancel_branch(index, now, out);
    if (status == 100) return;
    if (invite_ && !branch.cancel_sent) branch.deadline = now + settings_.timer_c;  // section 16.7 step 2
    if (!answered_) out.push_back({Do::forward, index});
    return;
  }
  on_final(index, status, true, now, out);
}

void Fork::on_failed(std::uint16_t index, sip::StatusCode stands_for, TimePoint now, Actions& out) {
  if (index >= branches_.size() || branches_[index].state == State::done || branches_[index].state == State::waiting)
    return;
  on_final(index, stands_for, false, now, out);
}

bool Fork::wanted(std::uint16_t index) const {
  if (index >= branches_.size() || stopped_) return false;
  const Branch& branch = branches_[index];
  return (branch.state == State::trying || branch.state == State::proceeding) && !branch.cancel_wanted &&
         !branch.cancel_sent && !branch.abandoned;
}

void Fork::on_retried(std::uint16_t index, TimePoint now) {
  if (!wanted(index)) return;
  branches_[index].state = State::trying;
  if (invite_) branches_[index].deadline = now + settings_.timer_c;
}

void Fork::on_final(std::uint16_t index, sip::StatusCode status, bool received, TimePoint now, Actions& out) {
  branches_[index].state = State::done;
  branches_[index].deadline = never;
  if (status.success()) {  // non-INVITE: the first one wins
    if (!answered_) out.push_back({Do::forward, index});
    answered_ = stopped_ = succeeded_ = true;
  } else if (!answered_) {
    consider(index, status, received, out);
    if (status.class_of() == 6) {
      stopped_ = true;
      cancel_pending(now, out);
    }
  }
  move_on(now, out);
}

void Fork::consider(std::uint16_t index, sip::StatusCode status, bool received, Actions& out) {
  if (best_.value == 0 || rank(status) < rank(best_)) {
    best_ = status;
    best_kept_ = received;
    if (received) out.push_back({Do::keep_best, index});
  } else if (received && (status == 401 || status == 407) && (best_ == 401 || best_ == 407)) {
    out.push_back({Do::add_challenge, index});
  }
}

void Fork::move_on(TimePoint now, Actions& out) {
  if (pending() || finished_) return;
  const bool more =
      std::any_of(branches_.begin(), branches_.end(), [](const Branch& b) { return b.state == State::waiting; });
  if (more && !stopped_) return start_next_group(now, out);
  if (!answered_) answer(out);
  if (lingering()) return;
  finished_ = true;
  out.push_back({Do::finish, 0});
}

void Fork::answer(Actions& out) {
  answered_ = true;
  if (cancelled_ && best_.class_of() != 6) best_ = 487, best_kept_ = false;
  if (best_.value == 0) best_ = 480;
  if (!invite_ && best_ == 408) return;  // RFC 4320 section 4.2: silence serves the caller better
  // Section 16.7 step 6: a 503 speaks of one next hop, not of this server.
  if (best_ == 503) best_ = 500, best_kept_ = false;
  own_status_ = best_;
  out.push_back({best_kept_ ? Do::answer_best : Do::answer_own, 0});
}

void Fork::on_redirected(std::uint16_t index, TimePoint now, Actions& out) {
  if (index >= branches_.size() || branches_[index].state == State::done) return;
  branches_[index].state = State::done;
  branches_[index].deadline = never;
  move_on(now, out);
}

void Fork::on_cancelled(TimePoint now, Actions& out) {
  if (answered_ || cancelled_ || !invite_) return;
  cancelled_ = stopped_ = true;
  cancel_pending(now, out);
  move_on(now, out);
}

void Fork::cancel_pending(TimePoint now, Actions& out) {
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    const auto index = static_cast<std::uint16_t>(i);
    Branch& branch = branches_[i];
    if (branch.state == State::waiting) branch.state = State::done;
    if (!invite_) continue;  // CANCEL is for INVITE only (RFC 3261 section 9.1)
    if (branch.state == State::proceeding) cancel_branch(index, now, out);
    if (branch.state == State::trying && !branch.cancel_wanted) {
      branch.cancel_wanted = true;
      branch.deadline = now + settings_.cancel_wait;
    }
  }
}

void Fork::cancel_branch(std::uint16_t index, TimePoint now, Actions& out) {
  Branch& branch = branches_[index];
  if (branch.cancel_sent) return;
  branch.cancel_sent = true;
  branch.cancel_wanted = false;
  branch.deadline = now + (branch.abandoned ? settings_.late_wait : settings_.cancel_wait);
  out.push_back({Do::cancel, index});
}

void Fork::on_deadline(TimePoint now, Actions& out) {
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    Branch& branch = branches_[i];
    if (branch.deadline > now || branch.state == State::done) continue;
    const auto index = static_cast<std::uint16_t>(i);
    if (branch.cancel_wanted) {
      // No response at all yet: the caller gets its 487 now, a late 1xx still its CANCEL, and Timer B ends the rest.
      branch.abandoned = true;
      branch.deadline = never;
      if (!answered_) consider(index, 487, false, out);
      move_on(now, out);
    } else if (branch.cancel_sent &&
               !branch.abandoned) {  // the 487 that never came (CGP-54); a 2xx still may (section 16.7 step 5)
      branch.abandoned = true;
      branch.deadline = now + settings_.late_wait;
      if (!answered_) consider(index, 487, false, out);
      move_on(now, out);
    } else if (branch.cancel_sent) {
      out.push_back({Do::abandon, index});
      on_final(index, 487, false, now, out);
    } else if (branch.state == State::proceeding) {
      cancel_branch(index, now, out);  // Timer C (section 16.8)
    } else {
      on_final(index, 408, false, now, out);
    }
  }
}

TimePoint Fork::next_deadline() const {
  TimePoint earliest = never;
  for (const Branch& branch : branches_)
    if (branch.state != State::done) earliest = std::min(earliest, branch.deadline);
  return earliest;
}

}  // namespace bellhop::proxy
