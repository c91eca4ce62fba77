"""The project's own tools find what they are there to find."""
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
CMAKE = """bellhop_room(base LIBS lib::fmt)
bellhop_room(sip ROOMS base)
bellhop_room(observe ROOMS base LIBS lib::spdlog)
bellhop_room(net ROOMS base observe)
bellhop_room(transport ROOMS base net)
"""


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("src/CMakeLists.txt", CMAKE)
        (self.root / "tests").mkdir()

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def tool(self, name, *arguments):
        done = subprocess.run([ROOT / "tools" / name, *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.replace(f"{self.root}/", "")


class Floors(Tree):
    def complaints(self):
        return self.tool("floors", self.root)

    # [house 2] A room includes rooms of lower floors and itself.
    def test_lower_rooms_may_be_included(self):
        self.write("src/net/wire.hpp", '#include <vector>\n#include "base/time.hpp"\n#include "net/flow.hpp"\n')
        self.assertEqual(self.complaints(), (0, ""))

    # [house 2] Neither a neighbour of the same floor nor a room above may be included; file and line are told.
    def test_neighbours_and_upper_rooms_are_refused(self):
        self.write("src/sip/a.cpp", '#pragma once\n#include "observe/log.hpp"\n  # include "net/wire.hpp"\n')
        self.assertEqual(self.complaints(), (1, "src/sip/a.cpp:2: sip (floor 1) includes observe (floor 1)\n"
                                                "src/sip/a.cpp:3: sip (floor 1) includes net (floor 2)\n"))

    # [house 2] What CMake does not list for a room is not included by it, though it lies lower.
    def test_rooms_must_be_listed(self):
        self.write("src/transport/a_test.cpp", '#include "sip/uri.hpp"\n')
        code, said = self.complaints()
        self.assertEqual(code, 1)
        self.assertIn("src/transport/a_test.cpp:1: transport includes sip, which src/CMakeLists.txt", said)

    # [house 2] A room without its line in CMake, and an include without its room, are found.
    def test_unknown_rooms_are_refused(self):
        self.write("src/registrar/a.cpp", "")
        self.write("src/net/a.cpp", '#include "wire.hpp"\n#include "nett/wire.hpp"\n')
        code, said = self.complaints()
        self.assertEqual((code, len(said.splitlines())), (1, 3))

    # [house 2] The lists in CMake obey the floors too.
    def test_lists_obey_the_floors(self):
        self.write("src/CMakeLists.txt", "bellhop_room(base ROOMS sip)\nbellhop_room(attic ROOMS base)\n")
        self.assertEqual(self.complaints(), (1, "src/CMakeLists.txt:1: base (floor 0) lists sip (floor 1)\n"
                                                "src/CMakeLists.txt:2: room attic has no floor in tools/floors\n"))


class Conformance(Tree):
    def setUp(self):
        super().setUp()
        self.write("tools/requirements.tsv", "# comment\nRFC3261\t17.2.1\tTimer G repeats\ttimerg|t2\n"
                                             "RFC3261\t17.2.1\tTimer H gives up\ttimerh\n")
        self.write("tools/threats.tsv", "# comment\n9\tslow\tstreams only\n11\tbroken lengths\n12\tbroken URIs\n"
                                        "75\tsprayed ports\tthere is no relay yet\n")

    def page(self, *arguments, name="conformance"):
        self.assertEqual(self.tool("conformance", "--root", self.root, *arguments), (0, ""))
        return (self.root / f"docs/{name}.md").read_text()

    # [house 4] Section, requirement, and the test that shows it or "missing".
    def test_requirements_meet_their_tests(self):
        self.write("src/net/a_test.cpp", "// [RFC3261 17.2.1] Timer G doubles,\n// to T2.\nTEST(A,\n     B) {\n}\n"
                                         "// [threats 11-12, CGP-53] Junk.\nTEST_F(A, C) {}\n")
        page = self.page()
        self.assertIn("| 17.2.1 | Timer G repeats | [A.B](../src/net/a_test.cpp) |", page)
        self.assertIn("| 17.2.1 | Timer H gives up | **missing** |", page)
        self.assertIn("(threats.md) | 4 | 1 | 1 |", page)
        self.assertIn("| CGP-53 | Junk. | [A.C]", page)

    # [house 4] Scripts of tests/ carry the same tags.
    def test_scripts_count(self):
        self.write("tests/phones/call.py", "# [threats 12] Junk.\ndef test_junk():\n    pass\n")
        self.write("tests/phones/ring.sh", "#!/bin/sh\n# [RFC3261 17.2.1] Timer H.\necho\n")
        self.write("tests/phones/web.mjs", "// [CGP-21] Log.\ntest('log level', () => {})\n")
        page = self.page()
        self.assertIn("[call.py](../tests/phones/call.py): test_junk |", (self.root / "docs/threats.md").read_text())
        self.assertIn("| Timer H gives up | [ring.sh](../tests/phones/ring.sh) |", page)
        self.assertIn("[web.mjs: log level](../tests/phones/web.mjs)", page)

    # [house 4] Each row of the list of threats has its tests by file, "missing", or why there can be none.
    def test_threats_meet_their_tests(self):
        self.write("src/net/a_test.cpp", "// [threats 11-12, CGP-53] Junk.\nTEST_P(A, C) {}\n// [threats 12] More.\nTEST_P(A, B) {}\n"
                                         "INSTANTIATE_TEST_SUITE_P(Over, A,\n  testing::Values(Transport::udp, Transport::tcp),\n")
        self.write("tests/x.py", "# [threats 12] Junk.\ndef test_junk():\n    pass\n")
        page = self.page(name="threats")
        self.assertIn("| 9 | slow (streams only) |  | **missing** |\n"
                      "| 11 | broken lengths | UDP, TCP | [a_test.cpp](../src/net/a_test.cpp): A.C |\n"
                      "| 12 | broken URIs | UDP, TCP | [a_test.cpp](../src/net/a_test.cpp): A.B, A.C<br>[x.py](../tests/x.py): test_junk |\n"
                      "| 75 | sprayed ports |  | there is no relay yet |\n", page)

    # [house 4] A tag of a whole section shows nothing of its parts; a tag of a part shows something of the whole.
    def test_sections_are_parts_of_sections(self):
        self.write("tools/requirements.tsv", "RFC3261\t17.2.1\tTimer G\nRFC3261\t18\tTransport\n")
        self.write("src/net/a_test.cpp", "// [RFC3261 17.2] Timers.\nTEST(A, B) {}\n// [RFC3261 18.2.1] received.\nTEST(A, C) {}\n")
        page = self.page()
        self.assertIn("| 17.2.1 | Timer G | **missing** |", page)
        self.assertIn("| 18 | Transport | [A.C](../src/net/a_test.cpp) |", page)

    # [house 4] A stale page is found.
    def test_stale_page_is_found(self):
        self.page()
        self.page("--check")
        self.write("src/net/a_test.cpp", "// [threats 12] Junk.\nTEST(A, B) {}\n")
        code, said = self.tool("conformance", "--root", self.root, "--check")
        self.assertEqual((code, said), (1, "docs/conformance.md: stale; run tools/conformance\n"
                                           "docs/threats.md: stale; run tools/conformance\n"))

    # [house 4] The pages of this tree are what its tags say.
    def test_own_pages_are_not_stale(self):
        done = subprocess.run([ROOT / "tools/conformance", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    # [house 4] A test without a tag is found.
    def test_untagged_tests_are_listed(self):
        self.write("src/net/a_test.cpp", "// Without.\nTEST(A, B) {}\n")
        self.assertEqual(self.tool("conformance", "--root", self.root, "--untagged"), (1, "src/net/a_test.cpp:2: A.B\n"))


if __name__ == "__main__":
    unittest.main()
