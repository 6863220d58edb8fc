from sandbox import network

OLD = "-A OUTPUT -o uplink -m conntrack --ctstate NEW -j REJECT --reject-with icmp-port-unreachable"
OTHER = ["-P INPUT ACCEPT", "-N SANDBOX-UPLINK", "-A OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES"]
WANTED = [
    f"-A {chain} -o uplink -m conntrack --ctstate NEW -j SANDBOX-UPLINK".split() for chain in ("OUTPUT", "FORWARD")
]


def test_a_new_node_gets_its_rules() -> None:
    assert network.filter_changes(OTHER) == WANTED


def test_rules_of_an_earlier_version_are_deleted_after_the_new_ones_are_added() -> None:
    deleted = ["-D", *OLD.split()[1:]]
    assert network.filter_changes([*OTHER, OLD]) == [*WANTED, deleted]


def test_existing_rules_are_not_changed() -> None:
    assert network.filter_changes([*OTHER, *map(" ".join, WANTED)]) == []
