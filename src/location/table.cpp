#include "location/table.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "base/hash.hpp"
#include "location/agents.hpp"
#include "location/binding_codec.hpp"
#include "location/matching.hpp"
#include "location/replay.hpp"
#include "location/stripe.hpp"

namespace bellhop::location {

namespace {

constexpr std::size_t stripe_count = 1024;
constexpr std::size_t stripes_per_slice = 20;  // all of them in 52 calls
constexpr std::size_t most_restored = 1000;    // bindings of one address-of-record a damaged journal may bring

void copy_fresh(const Block& block, TimePoint now, std::vector<Binding>& out) {
  std::size_t count = 0;
  for (Block::Position at = block.begin(); at != block.end(); at = block.after(at)) {
    if (block.expires(at) <= now) continue;
    if (count == out.size()) out.emplace_back();
    copy_to(block.at(at), out[count++]);
  }
  out.resize(count);
  if (count > 1) std::ranges::sort(out, before<Binding>);
}

std::vector<Draft> fresh_drafts(const Block* block, TimePoint now) {
  std::vector<Draft> drafts;
  if (block == nullptr) return drafts;
  drafts.reserve(block->count() + 1);
  for (Block::Position at = block->begin(); at != block->end(); at = block->after(at))
    if (block->expires(at) > now) drafts.push_back({.view = block->at(at)});
  return drafts;
}

/// The same connection; where it ends on our side may have become known later.
bool leads_over(const net::Flow& stored, const net::Flow& flow) {
  return stored.transport == flow.transport && stored.shard == flow.shard && stored.stream == flow.stream &&
         stored.remote == flow.remote;
}

}  // namespace

struct Table::State {
  explicit State(std::uint64_t seed) : hash_seed(seed) {}

  struct Counts {
    std::array<Stripe, stripe_count> stripes;
    std::atomic<std::uint64_t> expired{0};
    [[nodiscard]] std::size_t sum(std::size_t (Stripe::*count)() const) const {
      std::size_t total = 0;
      for (const Stripe& stripe : stripes) total += (stripe.*count)();
      return total;
    }
  };

  const std::uint64_t hash_seed;
  Agents agents;
  /// Shared with the computed metrics, which may be asked after the table has gone.
  const std::shared_ptr<Counts> counts = std::make_shared<Counts>();
  std::atomic<std::uint64_t> next_id{0};
  std::atomic<std::size_t> next_slice{0};
  std::unique_ptr<storage::Journal> journal;  // goes first: it may dump once more

  [[nodiscard]] std::uint64_t hash_of(std::string_view aor) const { return hash64(aor, hash_seed); }
  /// By bits in the middle: a stripe's map places by the highest and tells apart by the lowest.
  [[nodiscard]] Stripe& stripe_of(std::uint64_t hash) const { return counts->stripes[(hash >> 24) % stripe_count]; }

  std::uint64_t new_id(TimePoint now);
  bool refresh(Block& block, BindingView& wanted, unsigned lane, TimePoint now);
  void commit(Stripe& stripe, std::uint64_t hash, std::string_view aor, std::vector<Draft>& drafts, unsigned lane,
              TimePoint now);
  void record_changes(std::string_view aor, std::span<const Draft> drafts, unsigned lane);
  void restore(std::string_view aor, const BindingView& binding);
  std::size_t expire_in(Stripe& stripe, TimePoint now);
  void dump(storage::Journal::Writer& out) const;
};

/// Microseconds since 1970 when the first is given out, counting up: a later process starts above all of these, even
/// without a journal, unless a million bindings a second are made for ever or the clock is set back.
std::uint64_t Table::State::new_id(TimePoint now) {
  std::uint64_t none = 0;
  next_id.compare_exchange_strong(none, static_cast<std::uint64_t>(now.time_since_epoch().count()) + 1);
  return next_id.fetch_add(1);
}

/// The usual REGISTER: one contact, as it was but for CSeq and time. Patches the block in place; `wanted` gets id and
/// version.
bool Table::State::refresh(Block& block, BindingView& wanted, unsigned lane, TimePoint now) {
  for (Block::Position at = block.begin(); at != block.end(); at = block.after(at)) {
    if (block.expires(at) <= now || !block.same_but_time(at, wanted)) continue;
    if (wanted.cseq <= block.stamp(at).cseq) return false;
    const Block::Stamp stamp = block.refresh(at, wanted.cseq, wanted.expires, wanted.updated);
    if (journal)
      journal->append(lane, TouchRecord(stamp.id, stamp.version, wanted.cseq, wanted.expires, wanted.updated).octets());
    wanted.id = stamp.id;
    wanted.version = stamp.version;
    return true;
  }
  return false;
}

void Table::State::record_changes(std::string_view aor, std::span<const Draft> drafts, unsigned lane) {
  std::string record;
  for (const Draft& draft : drafts) {
    if (draft.fate == Draft::Fate::removed) append_remove(record, draft.view.id);
    if (draft.fate == Draft::Fate::changed || draft.fate == Draft::Fate::added) append_put(record, aor, draft.view);
  }
  if (!record.empty()) journal->append(lane, record);
}

/// Makes the drafts the state of this address-of-record. The views of `drafts` may point into the block that this
/// replaces.
void Table::State::commit(Stripe& stripe, std::uint64_t hash, std::string_view aor, std::vector<Draft>& drafts,
                          unsigned lane, TimePoint now) {
  if (std::ranges::all_of(drafts, [](const Draft& draft) { return draft.fate == Draft::Fate::kept; })) return;
  for (Draft& draft : drafts)
    if (draft.fate == Draft::Fate::added) draft.view.id = new_id(now);
  if (journal) record_changes(aor, drafts, lane);

  std::vector<const Agents::Entry*> released;
  if (const Block* block = stripe.find(hash, aor))
    for (Block::Position at = block->begin(); at != block->end(); at = block->after(at)) {
      const BindingView view = block->at(at);
      released.push_back(view.agent);
      if (view.expires <= now) ++counts->expired;
    }
  std::vector<BindingView> bindings;
  bindings.reserve(drafts.size());
  for (Draft& draft : drafts) {
    if (draft.fate == Draft::Fate::removed) continue;
    draft.view.agent = agents.acquire(draft.view.user_agent);
    bindings.push_back(draft.view);
  }
  stripe.store(hash, aor, bindings);
  for (const Agents::Entry* agent : released) agents.release(agent);
}

void Table::State::restore(std::string_view aor, const BindingView& binding) {
  const std::uint64_t hash = hash_of(aor);
  Stripe& stripe = stripe_of(hash);
  const std::lock_guard lock(stripe.mutex);
  std::vector<BindingView> bindings;
  if (const Block* block = stripe.find(hash, aor)) {
    if (block->count() >= most_restored) return;
    for (Block::Position at = block->begin(); at != block->end(); at = block->after(at))
      bindings.push_back(block->at(at));
  }
  bindings.push_back(binding);
  bindings.back().agent = agents.acquire(binding.user_agent);
  stripe.store(hash, aor, bindings);
}

std::size_t Table::State::expire_in(Stripe& stripe, TimePoint now) {
  const std::lock_guard lock(stripe.mutex);
  if (stripe.earliest() > now) return 0;
  std::vector<const Block*> outdated;
  TimePoint earliest = never;
  stripe.for_each([&](const Block& block) {
    bool some = false;
    for (Block::Position at = block.begin(); at != block.end(); at = block.after(at)) {
      const TimePoint expires = block.expires(at);
      if (expires <= now)
        some = true;
      else
        earliest = std::min(earliest, expires);
    }
    if (some) outdated.push_back(&block);
  });
  const std::size_t before_count = stripe.bindings();
  for (const Block* block : outdated) {
    std::vector<BindingView> left;
    std::vector<const Agents::Entry*> released;
    const std::string aor(block->aor());
    const std::uint64_t hash = block->hash();
    for (Block::Position at = block->begin(); at != block->end(); at = block->after(at)) {
      const BindingView view = block->at(at);
      if (view.expires > now)
        left.push_back(view);
      else
        released.push_back(view.agent);
    }
    stripe.store(hash, aor, left);
    for (const Agents::Entry* agent : released) agents.release(agent);
  }
  stripe.set_earliest(earliest);
  return before_count - stripe.bindings();
}

void Table::State::dump(storage::Journal::Writer& out) const {
  std::string record;
  append_seen(record, std::max<std::uint64_t>(next_id.load(), 1));
  out.record(record);
  std::string records;
  std::vector<std::size_t> ends;
  for (const Stripe& stripe : counts->stripes) {
    records.clear();
    ends.clear();
    {
      const std::lock_guard lock(stripe.mutex);
      stripe.for_each([&](const Block& block) {
        for (Block::Position at = block.begin(); at != block.end(); at = block.after(at)) {
          append_put(records, block.aor(), block.at(at));
          ends.push_back(records.size());
        }
      });
    }
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      out.record(std::string_view(records).substr(begin, end - begin));
      begin = end;
    }
  }
}

Table::Table(observe::Metrics& metrics, std::uint64_t hash_seed) : state_(std::make_unique<State>(hash_seed)) {
  const auto& counts = state_->counts;
  metrics.computed("location.bindings", [counts] { return static_cast<std::int64_t>(counts->sum(&Stripe::bindings)); });
  metrics.computed("location.addresses",
                   [counts] { return static_cast<std::int64_t>(counts->sum(&Stripe::addresses)); });
  metrics.computed("location.expired", [counts] { return static_cast<std::int64_t>(counts->expired.load()); });
}

Table::~Table() = default;

void Table::open_journal(const storage::Journal::Settings& settings, unsigned lanes, observe::Log& log,
                         observe::Metrics& metrics, TimePoint now) {
  State& state = *state_;
  std::unique_ptr<storage::Journal> journal;
  Replay replay(state.hash_seed);
  std::size_t restored = 0;
  const auto whole = [&] {
    replay.finish(now, [&](std::string_view aor, const BindingView& binding) {
      state.restore(aor, binding);
      ++restored;
    });
  };
  journal = storage::open_journal(
      settings, lanes, log, metrics, [&](std::string_view payload) { replay.record(payload); }, whole);
  const auto by_clock = static_cast<std::uint64_t>(now.time_since_epoch().count());
  state.next_id = std::max(by_clock, replay.highest_id()) + 1;
  log(observe::Tag::registrar, observe::Level::major, "{} bindings restored from {}", restored, settings.path);
  if (replay.malformed() > 0)
    log(observe::Tag::registrar, observe::Level::major, "{} malformed records in {}", replay.malformed(),
        settings.path);
  state.journal = std::move(journal);
  state.journal->set_dump([&state](storage::Journal::Writer& out) { state.dump(out); });
}

void Table::flush_journal() {
  if (state_->journal) state_->journal->flush();
}

Result<void, UpdateError> Table::update(std::string_view aor, std::span<const Change> changes,
                                        const UpdateLimits& limits, unsigned lane, TimePoint now, Listing& result) {
  if (aor.size() > longest_text) return failure(UpdateError::too_long);
  State& state = *state_;
  const std::uint64_t hash = state.hash_of(aor);
  Stripe& stripe = state.stripe_of(hash);
  const std::lock_guard lock(stripe.mutex);
  Block* block = stripe.find(hash, aor);
  const bool one_contact = block != nullptr && changes.size() == 1 && changes[0].kind == Change::Kind::put;
  BindingView wanted = one_contact ? view_of(changes[0].binding) : BindingView();
  if (one_contact && state.refresh(*block, wanted, lane, now)) {
    if (block->count() == 1) {
      result.refer_to(wanted);
      return {};
    }
  } else {
    std::vector<Draft> drafts = fresh_drafts(block, now);
    if (const auto applied = apply(drafts, changes, limits, now); !applied) return applied;
    state.commit(stripe, hash, aor, drafts, lane, now);
    block = stripe.find(hash, aor);
  }
  if (block == nullptr)
    result.clear();
  else
    result.assign(*block, now);
  return {};
}

Result<void, UpdateError> Table::remove_all(std::string_view aor, std::string_view call_id, std::uint32_t cseq,
                                            unsigned lane, TimePoint now) {
  State& state = *state_;
  const std::uint64_t hash = state.hash_of(aor);
  Stripe& stripe = state.stripe_of(hash);
  const std::lock_guard lock(stripe.mutex);
  std::vector<Draft> drafts = fresh_drafts(stripe.find(hash, aor), now);
  for (Draft& draft : drafts) {
    if (draft.view.call_id == call_id && cseq <= draft.view.cseq) return failure(UpdateError::out_of_order);
    draft.fate = Draft::Fate::removed;
  }
  state.commit(stripe, hash, aor, drafts, lane, now);
  return {};
}

bool Table::find(std::string_view aor, TimePoint now, std::vector<Binding>& out) const {
  const std::uint64_t hash = state_->hash_of(aor);
  const Stripe& stripe = state_->stripe_of(hash);
  const std::lock_guard lock(stripe.mutex);
  const Block* block = stripe.find(hash, aor);
  if (block == nullptr)
    out.clear();
  else
    copy_fresh(*block, now, out);
  return !out.empty();
}

void Table::find(std::string_view aor, TimePoint now, Listing& out, Listing::AgentTexts agents) const {
  const std::uint64_t hash = state_->hash_of(aor);
  const Stripe& stripe = state_->stripe_of(hash);
  const std::lock_guard lock(stripe.mutex);
  if (const Block* block = stripe.find(hash, aor))
    out.assign(*block, now, agents);
  else
    out.clear();
}

bool Table::remove(std::string_view aor, std::uint64_t id, TimePoint now) {
  State& state = *state_;
  const std::uint64_t hash = state.hash_of(aor);
  Stripe& stripe = state.stripe_of(hash);
  const std::lock_guard lock(stripe.mutex);
  std::vector<Draft> drafts = fresh_drafts(stripe.find(hash, aor), now);
  const auto found = std::ranges::find_if(drafts, [id](const Draft& draft) { return draft.view.id == id; });
  if (found == drafts.end()) return false;
  found->fate = Draft::Fate::removed;
  state.commit(stripe, hash, aor, drafts, 0, now);
  return true;
}

bool Table::remove_aor(std::string_view aor, TimePoint now) {
  State& state = *state_;
  const std::uint64_t hash = state.hash_of(aor);
  Stripe& stripe = state.stripe_of(hash);
  const std::lock_guard lock(stripe.mutex);
  std::vector<Draft> drafts = fresh_drafts(stripe.find(hash, aor), now);
  if (drafts.empty()) return false;
  for (Draft& draft : drafts) draft.fate = Draft::Fate::removed;
  state.commit(stripe, hash, aor, drafts, 0, now);
  return true;
}

std::size_t Table::remove_over(std::string_view aor, const net::Flow& flow, TimePoint now) {
  State& state = *state_;
  const std::uint64_t hash = state.hash_of(aor);
  Stripe& stripe = state.stripe_of(hash);
  const std::lock_guard lock(stripe.mutex);
  std::vector<Draft> drafts = fresh_drafts(stripe.find(hash, aor), now);
  std::size_t removed = 0;
  for (Draft& draft : drafts) {
    if (!leads_over(draft.view.flow, flow)) continue;
    draft.fate = Draft::Fate::removed;
    ++removed;
  }
  state.commit(stripe, hash, aor, drafts, 0, now);
  return removed;
}

bool Table::add(std::string_view aor, const Binding& binding, TimePoint now) {
  Binding fresh = binding;
  fresh.call_id.clear();  // says to matching that there is no order to keep
  fresh.cseq = 0;
  Listing ignored;
  const Change change{Change::Kind::put, fresh};
  UpdateLimits limits{.max_contacts = most_restored};
  return update(aor, {&change, 1}, limits, 0, now, ignored).has_value();
}

void Table::for_each(std::string_view needle, std::size_t limit, TimePoint now,
                     const std::function<void(const std::string& aor, const Binding&)>& visit) const {
  for (const Stripe& stripe : state_->counts->stripes) {
    std::vector<std::pair<std::string, Binding>> found;
    {
      const std::lock_guard lock(stripe.mutex);
      stripe.for_each([&](const Block& block) {
        if (block.aor().find(needle) == std::string_view::npos) return;
        for (Block::Position at = block.begin(); at != block.end() && found.size() < limit; at = block.after(at))
          if (block.expires(at) > now) copy_to(block.at(at), found.emplace_back(block.aor(), Binding{}).second);
      });
    }
    for (const auto& [aor, binding] : found) visit(aor, binding);
    limit -= found.size();
    if (limit == 0) return;
  }
}

void Table::collect(std::size_t slice, std::size_t slices, bool only_natted, TimePoint now,
                    std::vector<Binding>& out) const {
  std::size_t count = 0;
  for (std::size_t i = slice * stripe_count / slices; i < (slice + 1) * stripe_count / slices; ++i) {
    const Stripe& stripe = state_->counts->stripes[i];
    if (stripe.bindings() == 0) continue;
    const std::lock_guard lock(stripe.mutex);
    stripe.for_each([&](const Block& block) {
      for (Block::Position at = block.begin(); at != block.end(); at = block.after(at)) {
        if (block.expires(at) <= now) continue;
        const BindingView view = block.at(at);
        if (only_natted && !view.natted) continue;
        if (count == out.size()) out.emplace_back();
        copy_to(view, out[count++]);
      }
    });
  }
  out.resize(count);
}

std::size_t Table::expire(TimePoint now) {
  State& state = *state_;
  std::size_t freed = 0;
  const std::size_t first = state.next_slice.fetch_add(stripes_per_slice);
  for (std::size_t i = first; i < first + stripes_per_slice; ++i)
    freed += state.expire_in(state.counts->stripes[i % stripe_count], now);
  state.counts->expired += freed;
  return freed;
}

std::size_t Table::bindings() const {
  return state_->counts->sum(&Stripe::bindings);
}

std::size_t Table::addresses() const {
  return state_->counts->sum(&Stripe::addresses);
}

}  // namespace bellhop::location
