#include "server/configuration.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "config/loader.hpp"
#include "net/interfaces.hpp"

namespace bellhop::server {

using observe::Level;
using observe::Tag;

namespace {

Result<config::SnapshotPtr, std::string> completed(const config::Snapshot& read, const Certificates& certificates) {
  auto out = std::make_shared<config::Snapshot>(read);
  out->interface_addresses = net::interface_addresses();
  if (const auto attached = certificates.attach(*out); !attached) return failure(attached.error());
  return config::SnapshotPtr(std::move(out));
}

}  // namespace

config::SnapshotPtr read_configuration(const std::string& file, const Certificates& certificates) {
  const auto read = config::load_file(file);
  if (read) {
    const auto complete = completed(**read, certificates);
    if (complete) return *complete;
    std::fprintf(stderr, "%s: %s\n", file.c_str(), complete.error().c_str());
    return nullptr;
  }
  for (const config::Fault& fault : read.error()) std::fprintf(stderr, "%s\n", fault.to_string().c_str());
  return nullptr;
}

Configuration::Configuration(std::string file, config::SnapshotPtr first, Certificates& certificates, observe::Log& log,
                             std::function<void(const config::SnapshotPtr&)> apply)
    : file_(std::move(file)),
      certificates_(certificates),
      log_(log),
      apply_(std::move(apply)),
      seen_files_(first->certificate_files),
      now_(std::move(first)) {}

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
  const auto complete = completed(**read, certificates_);
  if (!complete) return refuse(complete.error());
  const config::SnapshotPtr next = *complete;
  adopt(next);
  apply_levels(log_, next->log);
  log_(Tag::config, Level::major, "{} reloaded: {} domains, {} static accounts", file_, next->domains.size(),
       next->accounts.size());
  for (const std::string& warning : next->warnings) log_(Tag::config, Level::major, "{}", warning);
  admin::Json warnings = admin::Json::array();
  for (const std::string& warning : next->warnings) warnings.push(warning);
  return admin::Json().set("reloaded", file_).set("warnings", warnings);
}

void Configuration::adopt(config::SnapshotPtr next) {
  apply_(next);
  seen_files_ = next->certificate_files;
  const std::lock_guard lock(mutex_);
  now_ = std::move(next);
}

void Configuration::look_at_certificates() {
  const std::lock_guard one_at_a_time(reloading_);
  const std::uint64_t files = Certificates::fingerprint(*now());
  if (files == seen_files_) return;
  seen_files_ = files;
  read_certificates("certificates");
}

void Configuration::renew_ticket_keys() {
  const std::lock_guard one_at_a_time(reloading_);
  if (!now()->tls_context) return;
  certificates_.renew_ticket_keys();
  read_certificates("ticket keys");
}

void Configuration::read_certificates(const char* what) {
  const auto next = completed(*now(), certificates_);
  if (!next)
    return log_(Tag::config, Level::failure, "the new {} cannot be used, the old ones stay: {}", what, next.error());
  adopt(*next);
  log_(Tag::config, Level::major, "{} renewed", what);
}

void apply_levels(observe::Log& log, const config::Log& settings) {
  for (std::size_t i = 0; i < settings.levels.size(); ++i) log.set_level(static_cast<Tag>(i), settings.levels[i]);
}

}  // namespace bellhop::server
