#include "server/monitor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "sip/method.hpp"

namespace bellhop::server {

namespace {

/// The fork that joins a server transaction with its client transactions, as both rows name it.
std::string signal_name(unsigned shard, SlotId owner) {
  return owner.valid() ? fmt::format("SIGNAL-{}.{}", shard, owner.index) : std::string();
}

std::string flow_name(const net::Flow* flow) {
  if (flow == nullptr) return {};
  return fmt::format("{}[{}]", sip::param_name(flow->transport), flow->remote.to_string());
}

template <class Row>
admin::TransactionRow common(const Row& row, unsigned shard, std::string_view uri, TimePoint now) {
  admin::TransactionRow out;
  out.id = fmt::format("{}.{}", shard, row.id.index);
  out.waiting = now - row.started;
  out.messages = row.messages;
  out.phase = row.phase;
  out.request = sip::name_of(row.method);
  if (!uri.empty()) out.request.append(" ").append(uri);
  return out;
}

bool matches(const admin::TransactionRow& row, std::string_view filter) {
  for (const std::string* text : {&row.id, &row.phase, &row.source, &row.target, &row.request})
    if (text->find(filter) != std::string::npos) return true;
  return false;
}

}  // namespace

admin::TransactionRows transaction_rows(shard::ServerCore& core, std::string_view filter, std::size_t limit) {
  admin::TransactionRows out;
  core.on_each([&](shard::Shard& shard) {
    const unsigned number = shard.index();
    const TimePoint now = shard.now();
    out.server_total += shard.servers().size();
    shard.servers().for_each([&](const transaction::ServerTransactions::Row& row) {
      if (out.server.size() >= limit) return;
      admin::TransactionRow next = common(row, number, shard.proxy().uri_of(row.owner), now);
      next.source = flow_name(row.source);
      next.target = signal_name(number, row.owner);
      if (matches(next, filter)) out.server.push_back(std::move(next));
    });
    out.client_total += shard.clients().size();
    shard.clients().for_each([&](const transaction::ClientTransactions::Row& row) {
      if (out.client.size() >= limit) return;
      admin::TransactionRow next = common(row, number, shard.proxy().uri_of(row.owner, row.id), now);
      next.source = signal_name(number, row.owner);
      next.target = flow_name(row.target);
      if (matches(next, filter)) out.client.push_back(std::move(next));
    });
  });
  return out;
}

std::vector<observe::Tap::Entry> traced(shard::ServerCore& core, const std::string& filter) {
  std::vector<observe::Tap::Entry> out;
  core.on_each([&](shard::Shard& shard) {
    auto found = shard.tap().find(filter);
    out.insert(out.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  });
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  return out;
}

}  // namespace bellhop::server
