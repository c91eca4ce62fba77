#include "server/account_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/text.hpp"
#include "config/texts.hpp"

namespace bellhop::server {

using admin::Json;
using storage::StoreError;

namespace {

bool has(std::string_view text, std::string_view filter) {
  return to_lower(text).find(to_lower(filter)) != std::string::npos;
}

std::string static_note(const config::Snapshot& config, const std::string& user, const std::string& domain) {
  for (const config::StaticAccount& a : config.accounts)
    if (equals_ignore_case(a.user, user) && a.domain == domain)
      return fmt::format("{}@{} is a static account, in line {} of {}; change it there", user, domain, a.line,
                         config.file);
  return {};
}

constexpr std::string_view ha1_form =
    "an H(A1) is the hash of NAME:REALM:PASSWORD in hexadecimal, 32 digits for MD5 or 64 for SHA-256; one of each at "
    "most";

std::string md5_only_note(std::string_view domains) {
  return fmt::format("all accounts of {} are now asked for MD5, since not all have an H(A1) for SHA-256", domains);
}

/// The name goes to the store as it was written: phones may spell it that way when they log in.
storage::Account as_written(std::string_view address, const std::string& domain) {
  return {std::string(address.substr(0, address.rfind('@'))), domain, true};
}

bool is_heading(const CsvRow& row) {
  return row.fields.size() >= 3 && equals_ignore_case(trim(row.fields[0]), "user") &&
         equals_ignore_case(trim(row.fields[1]), "domain") && equals_ignore_case(trim(row.fields[2]), "password");
}

}  // namespace

std::string AccountCommands::served(std::string_view name) {
  for (const config::Domain& domain : config_.domains) {
    if (equals_ignore_case(domain.name, name)) return domain.name;
    for (const std::string& alias : domain.aliases)
      if (equals_ignore_case(alias, name)) return domain.name;
  }
  std::string found;
  store_.for_each_domain([&](const std::string& stored) {
    if (equals_ignore_case(stored, name)) found = stored;
  });
  return found;
}

Result<AccountCommands::Address, std::string> AccountCommands::parse(std::string_view address) {
  const auto at = address.rfind('@');
  const std::string_view user = address.substr(0, std::min(at, address.size()));
  if (at == std::string_view::npos || !storage::valid_user(user))
    return failure(fmt::format("'{}' is no account name; write NAME@DOMAIN, like alice@example.org", address));
  const std::string domain = served(address.substr(at + 1));
  if (domain.empty())
    return failure(fmt::format("there is no domain '{0}'; add it with 'bellhop domain add {0}' or a [[domain]] in {1}",
                               address.substr(at + 1), config_.file));
  return Address{to_lower(user), domain};
}

std::string AccountCommands::why(StoreError error, std::string_view what) const {
  if (error == StoreError::unavailable) return fmt::format("the account store cannot be used: {}", store_.last_error());
  return fmt::format("{}: {}", what, storage::text_of(error));
}

Result<AccountCommands::Address, std::string> AccountCommands::parse_new(std::string_view address) {
  auto name = parse(address);
  if (!name) return name;
  if (std::string note = static_note(config_, name->user, name->domain); !note.empty()) return failure(std::move(note));
  return name;
}

Outcome AccountCommands::added(const Address& name, Result<void, StoreError> done) {
  if (!done && done.error() == StoreError::exists)
    return failure(fmt::format("{} exists already; use --replace to give it a new password", name.text()));
  if (!done) return failure(why(done.error(), name.text()));
  return Json().set("account", name.text()).set("added", true);
}

Outcome AccountCommands::add_account(std::string_view address, std::string_view password, bool replace) {
  const auto name = parse_new(address);
  if (!name) return failure(name.error());
  if (!storage::valid_password(password))
    return failure(std::string("the password is empty, longer than 256 characters, or has control characters"));
  return added(*name, store_.put_account(as_written(address, name->domain), password, replace));
}

std::string AccountCommands::ha1_fault(const storage::PasswordHashes& ha1, std::string_view written_domain,
                                       std::string_view realm) const {
  if (!equals_ignore_case(written_domain, realm))
    return fmt::format(
        "an H(A1) covers the realm, which for {} is {}; make sure that it was made for {} and write that",
        written_domain, realm, realm);
  // With one algorithm only, the phone has to be asked for it.
  const bool usable = (ha1.has_md5() && config_.auth.md5) || (ha1.has_sha256() && config_.auth.sha256);
  if (!usable)
    return fmt::format("with an H(A1) for {0} alone nobody can log in while [auth] {1} is false in {2}",
                       ha1.has_md5() ? "MD5" : "SHA-256", ha1.has_md5() ? "md5" : "sha256", config_.file);
  return {};
}

Outcome AccountCommands::add_account_by_ha1(std::string_view address, std::string_view text, bool replace) {
  const auto name = parse_new(address);
  if (!name) return failure(name.error());
  storage::PasswordHashes ha1;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const auto end = std::min(text.find_first_of(" \t\r\n"), text.size());
    if (!storage::add_ha1(text.substr(0, end), ha1)) return failure(std::string(ha1_form));
    text.remove_prefix(end);
  }
  if (ha1 == storage::PasswordHashes{}) return failure(std::string(ha1_form));
  if (std::string fault = ha1_fault(ha1, address.substr(address.rfind('@') + 1), name->domain); !fault.empty())
    return failure(std::move(fault));
  Outcome outcome = added(*name, store_.put_account(as_written(address, name->domain), ha1, replace));
  if (!outcome) return outcome;
  outcome->set("realm", name->domain);
  std::vector<std::string> notes;
  if (!ha1.has_sha256() && config_.auth.sha256) notes.push_back(md5_only_note(name->domain));
  store_.for_each_alias([&](const storage::Alias& alias) {
    if (alias.domain == name->domain && alias.target == name->user)
      notes.push_back(fmt::format("nobody can log in as {}, since an H(A1) is for one name", alias.user));
  });
  if (!notes.empty()) outcome->set("note", fmt::format("{}", fmt::join(notes, "; ")));
  return outcome;
}

Outcome AccountCommands::remove_account(std::string_view address) {
  const auto name = parse(address);
  if (!name) return failure(name.error());
  if (const std::string note = static_note(config_, name->user, name->domain); !note.empty()) return failure(note);
  if (const auto done = store_.remove_account(name->user, name->domain); !done)
    return failure(why(done.error(), name->text()));
  return Json().set("account", name->text()).set("removed", true);
}

Outcome AccountCommands::allow_sip(std::string_view address, bool allowed) {
  const auto name = parse(address);
  if (!name) return failure(name.error());
  if (const std::string note = static_note(config_, name->user, name->domain); !note.empty()) return failure(note);
  if (const auto done = store_.set_sip(name->user, name->domain, allowed); !done)
    return failure(why(done.error(), name->text()));
  return Json().set("account", name->text()).set("sip", allowed);
}

Outcome AccountCommands::set_rights(std::string_view address, const NewRights& given) {
  const auto name = parse_new(address);
  if (!name) return failure(name.error());
  storage::Rights rights;
  store_.for_each_account([&](const storage::Account& a) {
    if (a.user == name->user && a.domain == name->domain) rights = a.rights;
  });
  if (given.groups) rights.groups = storage::words_of(*given.groups);
  if (given.identities) rights.identities = storage::words_of(*given.identities);
  if (given.blocked) rights.blocked = storage::words_of(*given.blocked);
  const auto check = [](const std::vector<std::string>& words, std::string (*fault)(std::string_view)) {
    for (const std::string& word : words)
      if (const std::string why = fault(word); !why.empty()) return fmt::format("'{}' {}", word, why);
    return std::string();
  };
  for (const std::string& wrong :
       {check(rights.groups, config::user_fault), check(rights.identities, config::address_fault),
        check(rights.blocked, config::pattern_fault)})
    if (!wrong.empty()) return failure(wrong);
  if (const auto done = store_.set_rights(name->user, name->domain, rights); !done)
    return failure(why(done.error(), name->text()));
  return Json()
      .set("account", name->text())
      .set("groups", fmt::format("{}", fmt::join(rights.groups, " ")))
      .set("identities", fmt::format("{}", fmt::join(rights.identities, " ")))
      .set("blocked", fmt::format("{}", fmt::join(rights.blocked, " ")));
}

Outcome AccountCommands::list_accounts(std::string_view filter) {
  constexpr std::string_view both = "MD5 SHA-256";
  Json rows = Json::array();
  std::map<std::string, std::string_view> one_alone;
  store_.for_each_credential([&](const storage::Credential& c) {
    if (!c.plain.has_md5() || !c.plain.has_sha256())
      one_alone.emplace(c.account_user + "@" + c.realm, c.plain.has_md5() ? "MD5" : "SHA-256");
  });
  const auto add = [&](const std::string& address, bool sip, std::string_view algorithms,
                       const std::vector<std::string>& groups, std::string_view kept) {
    if (has(address, filter))
      rows.push(Json()
                    .set("account", address)
                    .set("sip", sip)
                    .set("algorithms", algorithms)
                    .set("groups", fmt::format("{}", fmt::join(groups, " ")))
                    .set("kept", kept));
  };
  for (const config::StaticAccount& a : config_.accounts)
    add(a.user + "@" + a.domain, a.sip, both, a.groups, "configuration");
  store_.for_each_account([&](const storage::Account& a) {
    const std::string address = a.user + "@" + a.domain;
    const auto found = one_alone.find(address);
    add(address, a.sip, found == one_alone.end() ? both : found->second, a.rights.groups, "store");
  });
  return rows;
}

Result<storage::AccountStore::NewAccount, std::string> AccountCommands::read_row(CsvRow& row, Served& domains) {
  if (row.fields.size() < 3 || row.fields.size() > 5)
    return failure(std::string("write user,domain,password or user,domain,,MD5,SHA-256"));
  const std::string_view domain = trim(row.fields[1]);
  storage::AccountStore::NewAccount account{std::string(trim(row.fields[0])), {}, std::move(row.fields[2])};
  if (!storage::valid_user(account.user)) return failure(fmt::format("'{}' is no user name", account.user));
  for (std::size_t i = 3; i < row.fields.size(); ++i)
    if (const auto hex = trim(row.fields[i]); !hex.empty() && !storage::add_ha1(hex, account.ha1))
      return failure(std::string(ha1_form));
  const bool by_ha1 = account.ha1 != storage::PasswordHashes{};
  if (by_ha1 && !account.password.empty()) return failure(std::string("there is a password and an H(A1); write one"));
  if (!by_ha1 && !storage::valid_password(account.password))
    return failure(std::string("the password is empty or has control characters"));
  auto known = domains.find(domain);
  if (known == domains.end()) known = domains.emplace(domain, served(domain)).first;
  account.domain = known->second;
  if (account.domain.empty()) return failure(fmt::format("there is no domain '{}'; add it first", domain));
  if (!static_note(config_, account.user, account.domain).empty())
    return failure(fmt::format("{}@{} is a static account", account.user, account.domain));
  if (by_ha1)
    if (std::string fault = ha1_fault(account.ha1, domain, account.domain); !fault.empty())
      return failure(std::move(fault));
  return account;
}

Outcome AccountCommands::import_accounts(std::string_view csv) {
  auto rows = parse_csv(csv);
  if (!rows) return failure(rows.error());
  std::vector<storage::AccountStore::NewAccount> accounts;
  std::set<std::string> md5_only;
  Served domains;
  for (CsvRow& row : *rows) {
    if (&row == &rows->front() && is_heading(row)) continue;
    auto account = read_row(row, domains);
    if (!account) return failure(fmt::format("line {}: {}; nothing was imported", row.line, account.error()));
    if (account->password.empty() && !account->ha1.has_sha256()) md5_only.insert(account->domain);
    accounts.push_back(std::move(*account));
  }
  const auto done = store_.import(accounts);
  if (!done) return failure(why(done.error(), "import"));
  Json out = Json().set("imported", *done);
  if (!md5_only.empty() && config_.auth.sha256)
    out.set("note", md5_only_note(fmt::format("{}", fmt::join(md5_only, ", "))));
  return out;
}

Outcome AccountCommands::add_alias(std::string_view address, std::string_view target) {
  const auto name = parse(address);
  if (!name) return failure(name.error());
  const std::string canonical = storage::canonical_target(target, name->domain);
  if (canonical.empty())
    return failure(fmt::format(
        "'{}' is no target; write a user of the same domain, user@domain or a sip, sips or tel URI", target));
  if (const auto done = store_.put_alias({name->user, name->domain, canonical}); !done)
    return failure(why(done.error(), name->text()));
  Json out = Json().set("alias", name->text()).set("target", canonical);
  // Only a bare user is another name of an account; anything else forwards and never logs in.
  const bool is_account = storage::valid_user(canonical);
  if (is_account && !store_.can_authenticate(name->user, name->domain))
    out.set("note", fmt::format("calls reach {0} at once; to log in under this name set its password again with "
                                "'bellhop account add {0}@{1} --replace --password-stdin'",
                                canonical, name->domain));
  return out;
}

Outcome AccountCommands::remove_alias(std::string_view address) {
  const auto name = parse(address);
  if (!name) return failure(name.error());
  if (const auto done = store_.remove_alias(name->user, name->domain); !done)
    return failure(why(done.error(), name->text()));
  return Json().set("alias", name->text()).set("removed", true);
}

Outcome AccountCommands::list_aliases(std::string_view filter) {
  Json rows = Json::array();
  const auto add = [&](const std::string& user, const std::string& domain, const std::string& target,
                       std::string_view kept) {
    const std::string address = user + "@" + domain;
    if (has(address, filter) || has(target, filter))
      rows.push(Json().set("alias", address).set("target", target).set("kept", kept));
  };
  for (const config::StaticAccount& a : config_.accounts)
    for (const std::string& alias : a.aliases) add(alias, a.domain, a.user, "configuration");
  for (const config::StaticAlias& a : config_.aliases) add(a.name, a.domain, a.target, "configuration");
  store_.for_each_alias([&](const storage::Alias& a) { add(a.user, a.domain, a.target, "store"); });
  return rows;
}

Outcome AccountCommands::add_domain(std::string_view name) {
  if (!storage::valid_domain(name)) return failure(fmt::format("'{}' is no domain; write one like example.org", name));
  if (!served(name).empty()) return failure(fmt::format("{} is served already", to_lower(name)));
  if (const auto done = store_.put_domain(name); !done) return failure(why(done.error(), name));
  return Json().set("domain", to_lower(name)).set("added", true);
}

Outcome AccountCommands::remove_domain(std::string_view name) {
  if (const auto done = store_.remove_domain(name); !done) {
    if (done.error() == StoreError::not_found && !served(name).empty())
      return failure(fmt::format("{} is a domain of the configuration; remove it from {}", name, config_.file));
    return failure(why(done.error(), name));
  }
  return Json().set("domain", to_lower(name)).set("removed", true);
}

Outcome AccountCommands::list_domains() {
  Json rows = Json::array();
  for (const config::Domain& d : config_.domains)
    rows.push(Json()
                  .set("domain", d.name)
                  .set("aliases", fmt::format("{}", fmt::join(d.aliases, " ")))
                  .set("kept", "configuration"));
  store_.for_each_domain(
      [&](const std::string& name) { rows.push(Json().set("domain", name).set("aliases", "").set("kept", "store")); });
  return rows;
}

}  // namespace bellhop::server
