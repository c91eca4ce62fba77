#include "config/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "config/loader.hpp"

namespace bellhop::config {
namespace {

// [house 4] docs/settings.md comes from the table.
TEST(Settings, TheDocumentedSettingsAreThoseOfTheTable) {
  std::ifstream in("docs/settings.md");
  std::ostringstream written;
  written << in.rdbuf();
  EXPECT_EQ(written.str(), settings_markdown()) << "docs/settings.md is stale: bellhop settings > docs/settings.md";
}

// [house 4] A setting is declared once and says what it is for.
TEST(Settings, EachKeyIsDeclaredOnceAndExplained) {
  std::set<std::string> keys;
  for_each_section([&](const auto& section, auto) {
    for (const auto& setting : section.settings) {
      EXPECT_TRUE(keys.insert(std::string(section.name) + "." + std::string(setting.key)).second) << setting.key;
      EXPECT_FALSE(setting.text.empty()) << setting.key;
      EXPECT_FALSE(setting.source.empty()) << setting.key;
    }
  });
  EXPECT_GT(keys.size(), 80u);
}

/// Section header and one line of it, as the documentation shows the default.
template <class S>
std::string with_default(const Section<S>& section, const Setting<S>& setting) {
  return section.heading() + "\n" + std::string(setting.key) + " = " + setting.print(S{}) + "\n";
}

// [house 4] Every documented default can be written into the file as it stands, and changes nothing.
TEST(Settings, EveryDocumentedDefaultIsAcceptedAsWritten) {
  const std::string listener = "[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:5060\"\n";
  for_each_section([&]<class S, class T>(const Section<S>& section, T Snapshot::*) {
    if (section.repeated) return;
    for (const Setting<S>& setting : section.settings) {
      const std::string shown = setting.print(S{});
      if (shown.empty() || shown == "\"\"") continue;
      const auto result = load_text(listener + with_default(section, setting), "x.toml");
      EXPECT_TRUE(result) << (result ? "" : result.error().front().to_string());
    }
  });
}

}  // namespace
}  // namespace bellhop::config
