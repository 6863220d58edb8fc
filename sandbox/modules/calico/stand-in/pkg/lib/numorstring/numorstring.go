// Package numorstring holds values that are a number or a name: ports, protocols, autonomous systems.
package numorstring

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// NumOrStringType tells which of the two a value is.
type NumOrStringType int

const (
	NumOrStringNum NumOrStringType = iota
	NumOrStringString
)

// Uint8OrString is a small number or a name.
type Uint8OrString struct {
	Type   NumOrStringType
	NumVal uint8
	StrVal string
}

// String is how a person writes it.
func (v Uint8OrString) String() string {
	if v.Type == NumOrStringNum {
		return strconv.Itoa(int(v.NumVal))
	}
	return v.StrVal
}

// Protocol is an IP protocol.
type Protocol Uint8OrString

var known = map[string]uint8{"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132, "udplite": 136}

// ProtocolFromInt is a protocol by number.
func ProtocolFromInt(number uint8) Protocol { return Protocol{Type: NumOrStringNum, NumVal: number} }

// ProtocolFromString is a protocol by name, spelt as the well-known ones are; a number in a string is a number.
func ProtocolFromString(name string) Protocol {
	if number, err := strconv.ParseUint(name, 10, 8); err == nil {
		return ProtocolFromInt(uint8(number))
	}
	return Protocol{Type: NumOrStringString, StrVal: name}
}

// ProtocolV3FromProtocolV1 is a protocol as the newer objects spell it.
func ProtocolV3FromProtocolV1(p Protocol) Protocol { return spelt(p, p.StrVal) }

func spelt(p Protocol, name string) Protocol {
	if p.Type == NumOrStringNum {
		return p
	}
	for _, upper := range []string{"TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite"} {
		if strings.EqualFold(upper, name) {
			return Protocol{Type: NumOrStringString, StrVal: upper}
		}
	}
	return p
}

// ToV1 is a protocol as the data model below the objects spells it.
func (p Protocol) ToV1() Protocol {
	if p.Type == NumOrStringNum {
		return p
	}
	return Protocol{Type: NumOrStringString, StrVal: strings.ToLower(p.StrVal)}
}

// String is its number or name.
func (p Protocol) String() string { return Uint8OrString(p).String() }

// MarshalJSON writes a number or a string.
func (p Protocol) MarshalJSON() ([]byte, error) {
	if p.Type == NumOrStringNum {
		return json.Marshal(p.NumVal)
	}
	return json.Marshal(p.StrVal)
}

// UnmarshalJSON reads a number or a string.
func (p *Protocol) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		p.Type = NumOrStringString
		return json.Unmarshal(text, &p.StrVal)
	}
	p.Type = NumOrStringNum
	return json.Unmarshal(text, &p.NumVal)
}

// NumValue is its number; an error where the name has none.
func (p Protocol) NumValue() (uint8, error) {
	if p.Type == NumOrStringNum {
		return p.NumVal, nil
	}
	if number, ok := known[strings.ToLower(p.StrVal)]; ok {
		return number, nil
	}
	return 0, fmt.Errorf("%q is no protocol whose number is known", p.StrVal)
}

// SupportsPorts tells whether rules for this protocol may name ports.
func (p Protocol) SupportsPorts() bool {
	number, _ := p.NumValue()
	return number == 6 || number == 17 || number == 132
}

// Port is a range of ports, or the name of one.
type Port struct {
	MinPort  uint16 `json:"minPort,omitempty"`
	MaxPort  uint16 `json:"maxPort,omitempty"`
	PortName string `json:"portName,omitempty"`
}

// SinglePort is one port.
func SinglePort(port uint16) Port { return Port{MinPort: port, MaxPort: port} }

// NamedPort is a port by name.
func NamedPort(name string) Port { return Port{PortName: name} }

// PortFromRange is the ports from one to another.
func PortFromRange(from, to uint16) (Port, error) {
	if from > to {
		return Port{}, fmt.Errorf("the ports %d to %d end before they begin", from, to)
	}
	return Port{MinPort: from, MaxPort: to}, nil
}

// PortFromString reads 80, 80:90 or a name.
func PortFromString(text string) (Port, error) {
	from, to, ranged := strings.Cut(text, ":")
	low, err := strconv.ParseUint(from, 10, 16)
	if err != nil {
		if ranged || text == "" {
			return Port{}, fmt.Errorf("%q is no port, range of ports or name of a port", text)
		}
		return NamedPort(text), nil
	}
	if !ranged {
		return SinglePort(uint16(low)), nil
	}
	high, err := strconv.ParseUint(to, 10, 16)
	if err != nil {
		return Port{}, fmt.Errorf("%q is no range of ports", text)
	}
	return PortFromRange(uint16(low), uint16(high))
}

// String is what PortFromString reads.
func (p Port) String() string {
	switch {
	case p.PortName != "":
		return p.PortName
	case p.MinPort == p.MaxPort:
		return strconv.Itoa(int(p.MinPort))
	default:
		return fmt.Sprintf("%d:%d", p.MinPort, p.MaxPort)
	}
}

// MarshalJSON writes a number or a string.
func (p Port) MarshalJSON() ([]byte, error) {
	if p.PortName == "" && p.MinPort == p.MaxPort {
		return json.Marshal(p.MinPort)
	}
	return json.Marshal(p.String())
}

// UnmarshalJSON reads a number or a string.
func (p *Port) UnmarshalJSON(text []byte) error {
	var number uint16
	if json.Unmarshal(text, &number) == nil {
		*p = SinglePort(number)
		return nil
	}
	var word string
	if err := json.Unmarshal(text, &word); err != nil {
		return err
	}
	read, err := PortFromString(word)
	*p = read
	return err
}

// ASNumber is the number of an autonomous system.
type ASNumber uint32

// ASNumberFromString reads a number; the notation with a dot is not read.
func ASNumberFromString(text string) (ASNumber, error) {
	number, err := strconv.ParseUint(text, 10, 32)
	return ASNumber(number), err
}

// String is the number.
func (n ASNumber) String() string { return strconv.FormatUint(uint64(n), 10) }
