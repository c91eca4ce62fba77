#include "net/turn_watch.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "net/clock.hpp"

namespace bellhop::net {

namespace {

constexpr Duration longest_pause = 8 * longest_turn;

}  // namespace

struct TurnWatch::State {
  std::vector<TurnMark*> marks;
  std::mutex mutex;
  std::condition_variable ended;
  bool ending = false;
  std::thread thread;

  void run() {
    std::unique_lock lock(mutex);
    Duration pause = longest_turn;
    while (!ended.wait_for(lock, pause, [this] { return ending; })) {
      const TimePoint now = clock_now();
      bool busy = false;
      for (TurnMark* mark : marks) busy |= mark->look(now);
      pause = busy ? longest_turn : std::min(2 * pause, longest_pause);
    }
  }
};

TurnWatch::TurnWatch(std::vector<TurnMark*> marks) : state_(std::make_unique<State>()) {
  state_->marks = std::move(marks);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

TurnWatch::~TurnWatch() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->ended.notify_all();
  state_->thread.join();
}

}  // namespace bellhop::net
