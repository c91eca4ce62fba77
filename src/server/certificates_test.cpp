#include "server/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <utility>

#include "base/temporary_folder_for_test.hpp"
#include "server/configuration.hpp"

namespace bellhop::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct CertificatesTest : testing::Test {
  CertificatesTest() {
    config.tls.self_signed = true;
    config.tls.certificate = temporary.file("public/server.pem");
    config.tls.key = temporary.file("private/server.key");
    config.domains.resize(1);
    config.domains[0].name = "example.test";
    config.listen.push_back({sip::Transport::tls, *Endpoint::parse("127.0.0.1:5061"), "", {}});
  }
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(temporary.path()))
      if (!entry.is_directory()) out.push_back(entry.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }

  TemporaryFolder temporary;
  config::Snapshot config;
  Certificates certificates;
};

// [design] The pair of tls.self_signed is made with the folders it is to lie in, and used again by the next start
TEST_F(CertificatesTest, AMissingPairIsMadeOnce) {
  ASSERT_TRUE(certificates.attach(config));
  EXPECT_TRUE(config.tls_context);
  EXPECT_THAT(files(), ElementsAre("server.key", "server.pem"));
  EXPECT_EQ(std::filesystem::status(config.tls.key).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const std::uint64_t made = Certificates::fingerprint(config);
  ASSERT_TRUE(certificates.attach(config));
  EXPECT_EQ(Certificates::fingerprint(config), made);
}

// [design] A pair that cannot be made whole leaves nothing behind, and is made when the reason is gone
TEST_F(CertificatesTest, AHalfMadePairStandsInNobodysWay) {
  std::ofstream(temporary.file("public")) << "in the place of a folder";
  const auto refused = certificates.attach(config);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("cannot write " + config.tls.certificate));
  EXPECT_THAT(files(), ElementsAre("public"));
  std::filesystem::remove(temporary.file("public"));
  EXPECT_TRUE(certificates.attach(config));
}

// [design] What a start that was cut off left is no obstacle
TEST_F(CertificatesTest, AnUnfinishedFileIsWrittenAnew) {
  std::filesystem::create_directories(temporary.file("private"));
  std::ofstream(config.tls.key + ".new") << "half a k";
  EXPECT_TRUE(certificates.attach(config));
  EXPECT_THAT(files(), ElementsAre("server.key", "server.pem"));
}

// [design] A domain whose name is too long for a common name has its certificate; one that is no name at all is refused
TEST_F(CertificatesTest, AnyNameOfADomainWillDo) {
  config.domains[0].name = std::string(63, 'a') + "." + std::string(63, 'b') + ".test";
  EXPECT_TRUE(certificates.attach(config));
}

/// A running configuration, and how often it was applied.
struct RunningCertificates : CertificatesTest {
  RunningCertificates() {
    EXPECT_TRUE(certificates.attach(config));
    running.emplace("bellhop.toml", std::make_shared<config::Snapshot>(config), certificates, log,
                    [this](const config::SnapshotPtr&) {
                      ++applied;
                      if (meanwhile) std::exchange(meanwhile, {})();
                    });
  }
  /// As certbot does it: another pair under the same names.
  void exchange_files() {
    for (const std::string& file : {config.tls.certificate, config.tls.key}) std::filesystem::remove(file);
    config::Snapshot other = config;
    EXPECT_TRUE(Certificates().attach(other));
  }

  observe::Log log{observe::null_sink()};
  std::optional<Configuration> running;
  int applied = 0;
  std::function<void()> meanwhile;
};

// [contract] Certificates are read again when their files change, and only then
TEST_F(RunningCertificates, AreReadAgainWhenTheyChange) {
  running->look_at_certificates();
  EXPECT_EQ(applied, 0);
  exchange_files();
  running->look_at_certificates();
  running->look_at_certificates();
  EXPECT_EQ(applied, 1);
}

// [contract] Files that change while the ones before are being read and applied are read again as well
TEST_F(RunningCertificates, AreNotOverlookedWhileOthersAreApplied) {
  meanwhile = [this] { exchange_files(); };
  exchange_files();
  running->look_at_certificates();
  EXPECT_EQ(applied, 1);
  running->look_at_certificates();
  EXPECT_EQ(applied, 2);
}

// [contract] Files that cannot be used are tried once, and the old ones stay
TEST_F(RunningCertificates, StayWhenTheNewOnesAreBad) {
  const auto before = running->now();
  std::ofstream(config.tls.certificate) << "no certificate";
  running->look_at_certificates();
  running->look_at_certificates();
  EXPECT_EQ(applied, 0);
  EXPECT_EQ(running->now(), before);
}

// [RFC5077 5.5] A fresh ticket key comes with a context of its own, of the same certificates
TEST_F(RunningCertificates, TicketKeysAreRenewed) {
  const auto before = running->now();
  running->renew_ticket_keys();
  EXPECT_EQ(applied, 1);
  EXPECT_NE(running->now()->tls_context, before->tls_context);
  EXPECT_EQ(running->now()->certificate_files, before->certificate_files);
}

}  // namespace
}  // namespace bellhop::server
