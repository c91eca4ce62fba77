"""What two phones do with each other."""
from bellhop import eventually


def talk(server, alice, bob):
    """alice calls bob, each hears the other's tone, alice hangs up."""
    alice.command("dial", f"sip:{bob.user}@{server.domain}")
    alice.wait_for("CALL_ESTABLISHED")
    bob.wait_for("CALL_ESTABLISHED")
    eventually(lambda: bob.heard(alice.tone), "the callee hears the caller's tone", 30)
    eventually(lambda: alice.heard(bob.tone), "the caller hears the callee's tone", 30)
    alice.command("hangup")
    bob.wait_for("CALL_CLOSED")
