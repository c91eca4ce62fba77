#include "net/turn_watch.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "net/clock.hpp"

namespace bellhop::net {

struct TurnWatch::State {
  std::vector<TurnMark*> marks;
  std::mutex mutex;
  std::condition_variable ended;
  bool ending = false;
  std::thread thread;

  void run() {
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, longest_turn, [this] { return ending; })) {
      const TimePoint now = clock_now();
      for (TurnMark* mark : marks) mark->look(now);
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
