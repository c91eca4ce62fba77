#include "admin/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "config/suggestion.hpp"

namespace bellhop::admin {

namespace {

Words split(std::string_view name) {
  Words out;
  while (!name.empty()) {
    const auto space = std::min(name.find(' '), name.size());
    out.emplace_back(name.substr(0, space));
    name.remove_prefix(std::min(space + 1, name.size()));
  }
  return out;
}

}  // namespace

Commands::Commands() {
  add({"help", "", "what can be asked", true, [this](const Words&) -> Reply {
         Json list = Json::array();
         for (const Command& c : commands_)
           list.push(
               Json::object().set("command", c.usage.empty() ? c.name : c.name + " " + c.usage).set("does", c.help));
         return list;
       }});
}

void Commands::add(Command command) {
  commands_.push_back(std::move(command));
}

const Command* Commands::find(const Words& words) const {
  const Command* best = nullptr;
  for (const Command& command : commands_) {
    const Words name = split(command.name);
    if (name.size() <= words.size() && std::equal(name.begin(), name.end(), words.begin()) &&
        (best == nullptr || command.name.size() > best->name.size()))
      best = &command;
  }
  return best;
}

Reply Commands::call(const Command& command, const Words& words) const {
  const auto skipped = static_cast<std::ptrdiff_t>(split(command.name).size());
  const Words arguments(words.begin() + skipped, words.end());
  const std::lock_guard lock(one_at_a_time_);
  try {
    return command.run(arguments);
  } catch (const std::exception& error) {
    return failure(fmt::format("{} failed: {}", command.name, error.what()));
  }
}

std::string Commands::unknown(const Words& words) const {
  const std::string asked = words.empty() ? "" : words.size() == 1 ? words[0] : words[0] + " " + words[1];
  std::vector<std::string_view> names, with_first_word;
  for (const Command& command : commands_) {
    names.push_back(command.name);
    if (!words.empty() && command.name.starts_with(words[0] + " ")) with_first_word.push_back(command.name);
  }
  if (!with_first_word.empty())
    return fmt::format("'{}' is not complete; write {}", asked, config::one_of(with_first_word));
  return fmt::format("unknown command '{}'{}; 'help' lists them all", asked, config::did_you_mean(asked, names));
}

Reply Commands::run(const Words& words) const {
  const Command* command = find(words);
  if (command == nullptr) return failure(unknown(words));
  return call(*command, words);
}

Reply Commands::run_read_only(const Words& words) const {
  const Command* command = find(words);
  if (command == nullptr || !command->read_only) return failure(unknown(words));
  return call(*command, words);
}

std::optional<std::string> take_option(Words& words, std::string_view name) {
  const std::string with_value = fmt::format("--{}=", name);
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (word->starts_with(with_value)) {
      std::string value = word->substr(with_value.size());
      words.erase(word);
      return value;
    }
    if (word->starts_with("--") && std::string_view(*word).substr(2) == name && word + 1 != words.end()) {
      std::string value = *(word + 1);
      words.erase(word, word + 2);
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace bellhop::admin
