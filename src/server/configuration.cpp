#include "server/configuration.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "config/loader.hpp"
#include "net/interfaces.hpp"

namespace bellhop::server {

using observe::Level;
using observe::Tag;

namespace {

config::SnapshotPtr with_interfaces(const config::Snapshot& read) {
  auto out = std::make_shared<config::Snapshot>(read);
  out->interface_addresses = net::interface_addresses();
  return out;
}

}  // namespace

config::SnapshotPtr read_configuration(const std::string& file) {
  const auto read = config::load_file(file);
  if (read) return with_interfaces(**read);
  for (const config::Fault& fault : read.error()) std::fprintf(stderr, "%s\n", fault.to_string().c_str());
  return nullptr;
}

Configuration::Configuration(std::string file, config::SnapshotPtr first, observe::Log& log,
                             std::function<void(const config::SnapshotPtr&)> apply)
    : file_(std::move(file)), log_(log), apply_(std::move(apply)), now_(std::move(first)) {}

config::SnapshotPtr Configuration::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

admin::Reply Configuration::refuse(const std::string& why) {
  log_(Tag::config, Level::failure, "reload refused, nothing changed: {}", why);
  return failure("reload refused, nothing changed: " + why);
}

admin::Reply Configuration::reload() {
  const std::lock_guard one_at_a_time(reloading_);
  const auto read = config::load_file(file_);
  if (!read) {
    std::string faults;
    for (const config::Fault& fault : read.error()) faults += (faults.empty() ? "" : "; ") + fault.to_string();
    return refuse(faults);
  }
  if (const auto fixed = config::restart_needed(*now(), **read); !fixed.empty())
    return refuse(fmt::format("these settings need a restart: {}", fmt::join(fixed, "; ")));
  const config::SnapshotPtr next = with_interfaces(**read);
  apply_(next);
  {
    const std::lock_guard lock(mutex_);
    now_ = next;
  }
  log_(Tag::config, Level::major, "{} reloaded: {} domains, {} static accounts", file_, next->domains.size(),
       next->accounts.size());
  for (const std::string& warning : next->warnings) log_(Tag::config, Level::major, "{}", warning);
  admin::Json warnings = admin::Json::array();
  for (const std::string& warning : next->warnings) warnings.push(warning);
  return admin::Json().set("reloaded", file_).set("warnings", warnings);
}

void apply_levels(observe::Log& log, const config::Log& settings) {
  for (std::size_t i = 0; i < settings.levels.size(); ++i) log.set_level(static_cast<Tag>(i), settings.levels[i]);
}

}  // namespace bellhop::server
