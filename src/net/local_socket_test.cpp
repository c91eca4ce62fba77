#include "net/local_socket.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/temporary_folder_for_test.hpp"

namespace bellhop::net {
namespace {

struct LocalSocket : testing::Test {
  TemporaryFolder temporary;
  std::string folder = temporary.path().string(), path = folder + "/control.sock";
};

std::string shout(std::string_view line) {
  return std::string(line) + "!";
}

// [contract] bellhop ctl speaks to the running server over its local socket.
TEST_F(LocalSocket, EachLineIsAnsweredWithALine) {
  const LocalServer server(path, shout);
  EXPECT_EQ(ask_local(path, "hello", 5s), "hello!");
  EXPECT_EQ(ask_local(path, std::string(50'000, 'x'), 5s), std::string(50'000, 'x') + "!");
}

// [contract] The socket is for the server's own user only.
TEST_F(LocalSocket, OnlyItsOwnerMayConnect) {
  const LocalServer server(path, shout);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

// [contract] A request line without end does not grow the server.
TEST_F(LocalSocket, ARequestWithoutEndIsCutOff) {
  const LocalServer server(path, shout);
  const auto answer = ask_local(path, std::string(1'000'000, 'x'), 5s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), LocalError::broken);
  EXPECT_EQ(ask_local(path, "still there", 5s), "still there!");
}

// [contract] A socket left behind by a killed server does not keep the next one from starting.
TEST_F(LocalSocket, ADeadSocketIsReplacedAndALiveOneIsNot) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(fd);

  const LocalServer server(path, shout);
  EXPECT_EQ(ask_local(path, "a", 5s), "a!");
  EXPECT_THROW(LocalServer(path, shout), std::runtime_error);
  EXPECT_EQ(ask_local(path, "b", 5s), "b!");
}

// [contract] A file of somebody else is never removed.
TEST_F(LocalSocket, AFileThatIsNoSocketIsNotTouched) {
  std::ofstream(path) << "precious";
  EXPECT_THROW(LocalServer(path, shout), std::runtime_error);
  EXPECT_EQ(std::filesystem::file_size(path), 8u);
}

// [contract] Asking a server that does not run says so.
TEST_F(LocalSocket, NobodyListeningIsTold) {
  const auto answer = ask_local(path, "hello", 5s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), LocalError::nobody_listens);
  EXPECT_THROW(LocalServer(folder + "/" + std::string(120, 'x'), shout), std::runtime_error);
}

}  // namespace
}  // namespace bellhop::net
