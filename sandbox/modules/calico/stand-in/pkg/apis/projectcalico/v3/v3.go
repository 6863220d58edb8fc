package v3

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/projectcalico/api/pkg/lib/numorstring"
)

const (
	Group               = "projectcalico.org"
	VersionCurrent      = "v3"
	GroupVersionCurrent = Group + "/" + VersionCurrent

	LabelNamespace      = Group + "/namespace"
	LabelOrchestrator   = Group + "/orchestrator"
	LabelServiceAccount = Group + "/serviceaccount"

	OrchestratorKubernetes = "k8s"
	OrchestratorOpenStack  = "openstack"
)

func typed(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{Kind: kind, APIVersion: GroupVersionCurrent}
}

type Action string

const (
	Allow Action = "Allow"
	Deny  Action = "Deny"
	Log   Action = "Log"
	Pass  Action = "Pass"
)

type PolicyType string

const (
	PolicyTypeIngress PolicyType = "Ingress"
	PolicyTypeEgress  PolicyType = "Egress"
)

type PolicyPerformanceHint string

const PerfHintAssumeNeededOnEveryNode PolicyPerformanceHint = "AssumeNeededOnEveryNode"

type Rule struct {
	Action      Action                `json:"action"`
	IPVersion   *int                  `json:"ipVersion,omitempty"`
	Protocol    *numorstring.Protocol `json:"protocol,omitempty"`
	ICMP        *ICMPFields           `json:"icmp,omitempty"`
	NotProtocol *numorstring.Protocol `json:"notProtocol,omitempty"`
	NotICMP     *ICMPFields           `json:"notICMP,omitempty"`
	Source      EntityRule            `json:"source,omitempty"`
	Destination EntityRule            `json:"destination,omitempty"`
	HTTP        *HTTPMatch            `json:"http,omitempty"`
	Metadata    *RuleMetadata         `json:"metadata,omitempty"`
}

type RuleMetadata struct {
	Annotations map[string]string `json:"annotations,omitempty"`
}

type ICMPFields struct {
	Type *int `json:"type,omitempty"`
	Code *int `json:"code,omitempty"`
}

type HTTPPath struct {
	Exact  string `json:"exact,omitempty"`
	Prefix string `json:"prefix,omitempty"`
}

type HTTPMatch struct {
	Methods []string   `json:"methods,omitempty"`
	Paths   []HTTPPath `json:"paths,omitempty"`
}

type ServiceAccountMatch struct {
	Names    []string `json:"names,omitempty"`
	Selector string   `json:"selector,omitempty"`
}

type ServiceMatch struct {
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

type EntityRule struct {
	Nets              []string             `json:"nets,omitempty"`
	Selector          string               `json:"selector,omitempty"`
	NamespaceSelector string               `json:"namespaceSelector,omitempty"`
	Services          *ServiceMatch        `json:"services,omitempty"`
	Ports             []numorstring.Port   `json:"ports,omitempty"`
	NotNets           []string             `json:"notNets,omitempty"`
	NotSelector       string               `json:"notSelector,omitempty"`
	NotPorts          []numorstring.Port   `json:"notPorts,omitempty"`
	ServiceAccounts   *ServiceAccountMatch `json:"serviceAccounts,omitempty"`
}

type NetworkPolicySpec struct {
	Tier                   string                  `json:"tier,omitempty"`
	Order                  *float64                `json:"order,omitempty"`
	Ingress                []Rule                  `json:"ingress,omitempty"`
	Egress                 []Rule                  `json:"egress,omitempty"`
	Selector               string                  `json:"selector,omitempty"`
	Types                  []PolicyType            `json:"types,omitempty"`
	ServiceAccountSelector string                  `json:"serviceAccountSelector,omitempty"`
	PerformanceHints       []PolicyPerformanceHint `json:"performanceHints,omitempty"`
}

type GlobalNetworkPolicySpec struct {
	NetworkPolicySpec `json:",inline"`
	DoNotTrack        bool   `json:"doNotTrack,omitempty"`
	PreDNAT           bool   `json:"preDNAT,omitempty"`
	ApplyOnForward    bool   `json:"applyOnForward,omitempty"`
	NamespaceSelector string `json:"namespaceSelector,omitempty"`
}

type NetworkSetSpec struct {
	Nets []string `json:"nets,omitempty"`
}

type GlobalNetworkSetSpec struct {
	Nets []string `json:"nets,omitempty"`
}

type ProfileSpec struct {
	Ingress       []Rule            `json:"ingress,omitempty"`
	Egress        []Rule            `json:"egress,omitempty"`
	LabelsToApply map[string]string `json:"labelsToApply,omitempty"`
}

type EndpointPort struct {
	Name     string               `json:"name"`
	Protocol numorstring.Protocol `json:"protocol"`
	Port     uint16               `json:"port"`
}

type HostEndpointSpec struct {
	Node          string         `json:"node,omitempty"`
	InterfaceName string         `json:"interfaceName,omitempty"`
	ExpectedIPs   []string       `json:"expectedIPs,omitempty"`
	Profiles      []string       `json:"profiles,omitempty"`
	Ports         []EndpointPort `json:"ports,omitempty"`
}

type IPIPMode string

const (
	IPIPModeNever       IPIPMode = "Never"
	IPIPModeAlways      IPIPMode = "Always"
	IPIPModeCrossSubnet IPIPMode = "CrossSubnet"
)

type VXLANMode string

const (
	VXLANModeNever       VXLANMode = "Never"
	VXLANModeAlways      VXLANMode = "Always"
	VXLANModeCrossSubnet VXLANMode = "CrossSubnet"
)

type IPPoolAllowedUse string

const (
	IPPoolAllowedUseWorkload IPPoolAllowedUse = "Workload"
	IPPoolAllowedUseTunnel   IPPoolAllowedUse = "Tunnel"
)

type EncapMode string

type IPIPConfiguration struct {
	Enabled bool      `json:"enabled,omitempty"`
	Mode    EncapMode `json:"mode,omitempty"`
}

type IPPoolSpec struct {
	CIDR             string             `json:"cidr"`
	VXLANMode        VXLANMode          `json:"vxlanMode,omitempty"`
	IPIPMode         IPIPMode           `json:"ipipMode,omitempty"`
	NATOutgoing      bool               `json:"natOutgoing,omitempty"`
	Disabled         bool               `json:"disabled,omitempty"`
	DisableBGPExport bool               `json:"disableBGPExport,omitempty"`
	BlockSize        int                `json:"blockSize,omitempty"`
	NodeSelector     string             `json:"nodeSelector,omitempty"`
	AllowedUses      []IPPoolAllowedUse `json:"allowedUses,omitempty"`
	IPIP             *IPIPConfiguration `json:"ipip,omitempty"`
	NATOutgoingV1    bool               `json:"nat-outgoing,omitempty"`
}

type IPReservationSpec struct {
	ReservedCIDRs []string `json:"reservedCIDRs,omitempty"`
}

type ClusterInformationSpec struct {
	ClusterGUID    string `json:"clusterGUID,omitempty"`
	ClusterType    string `json:"clusterType,omitempty"`
	CalicoVersion  string `json:"calicoVersion,omitempty"`
	DatastoreReady *bool  `json:"datastoreReady,omitempty"`
	Variant        string `json:"variant,omitempty"`
}

// FelixConfigurationSpec holds only what felix's own checks look at: the sandbox configures felix by its environment.
type FelixConfigurationSpec struct {
	KubeNodePortRanges           *[]numorstring.Port `json:"kubeNodePortRanges,omitempty"`
	ExternalNodesCIDRList        *[]string           `json:"externalNodesList,omitempty"`
	OpenstackRegion              string              `json:"openstackRegion,omitempty"`
	NATOutgoingAddress           string              `json:"natOutgoingAddress,omitempty"`
	DeviceRouteSourceAddress     string              `json:"deviceRouteSourceAddress,omitempty"`
	DeviceRouteSourceAddressIPv6 string              `json:"deviceRouteSourceAddressIPv6,omitempty"`
	RouteTableRange              *RouteTableRange    `json:"routeTableRange,omitempty"`
	RouteTableRanges             *RouteTableRanges   `json:"routeTableRanges,omitempty"`

	FloatingIPs                        *FloatingIPType          `json:"floatingIPs,omitempty"`
	BPFConnectTimeLoadBalancingEnabled *bool                    `json:"bpfConnectTimeLoadBalancingEnabled,omitempty"`
	BPFConnectTimeLoadBalancing        *BPFConnectTimeLBType    `json:"bpfConnectTimeLoadBalancing,omitempty"`
	BPFHostNetworkedNATWithoutCTLB     *BPFHostNetworkedNATType `json:"bpfHostNetworkedNATWithoutCTLB,omitempty"`
}

type (
	FloatingIPType          string
	BPFConnectTimeLBType    string
	BPFHostNetworkedNATType string
)

type ProtoPort struct {
	Protocol string `json:"protocol"`
	Port     uint16 `json:"port"`
	Net      string `json:"net"`
}

type RouteTableRange struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

type RouteTableIDRange struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

type RouteTableRanges []RouteTableIDRange

// NumDesignatedTables is how many tables the ranges span.
func (r RouteTableRanges) NumDesignatedTables() int {
	tables := 0
	for _, one := range r {
		tables += one.Max - one.Min + 1
	}
	return tables
}

type HealthTimeoutOverride struct {
	Name    string          `json:"name"`
	Timeout metav1.Duration `json:"timeout"`
}

type AWSSrcDstCheckOption string

const (
	AWSSrcDstCheckOptionDoNothing AWSSrcDstCheckOption = "DoNothing"
	AWSSrcDstCheckOptionEnable    AWSSrcDstCheckOption = "Enable"
	AWSSrcDstCheckOptionDisable   AWSSrcDstCheckOption = "Disable"
)

const (
	BPFConnectTimeLBTCP      BPFConnectTimeLBType = "TCP"
	BPFConnectTimeLBEnabled  BPFConnectTimeLBType = "Enabled"
	BPFConnectTimeLBDisabled BPFConnectTimeLBType = "Disabled"

	BPFHostNetworkedNATEnabled  BPFHostNetworkedNATType = "Enabled"
	BPFHostNetworkedNATDisabled BPFHostNetworkedNATType = "Disabled"

	FloatingIPsEnabled  FloatingIPType = "Enabled"
	FloatingIPsDisabled FloatingIPType = "Disabled"

	IptablesBackendLegacy   = "Legacy"
	IptablesBackendNFTables = "NFT"
	IptablesBackendAuto     = "Auto"

	Disabled = "Disabled"
)

// What follows belongs to parts of Calico that the sandbox does not run.

type BGPFilterMatchOperator string

type BGPFilterRuleV4 struct {
	CIDR          string
	MatchOperator BGPFilterMatchOperator
}

type BGPFilterRuleV6 BGPFilterRuleV4

type Community struct {
	Name  string
	Value string
}

type PrefixAdvertisement struct {
	CIDR        string
	Communities []string
}

type CIDRBlock struct {
	CIDR string
}

type BGPConfigurationSpec struct {
	ASNumber               *numorstring.ASNumber
	Communities            []Community
	PrefixAdvertisements   []PrefixAdvertisement
	NodeToNodeMeshEnabled  *bool
	NodeMeshPassword       *struct{}
	NodeMeshMaxRestartTime *metav1.Duration
	ServiceClusterIPs      []CIDRBlock
	ServiceExternalIPs     []CIDRBlock
	ServiceLoadBalancerIPs []CIDRBlock
}

type BGPPeerSpec struct {
	Node         string
	NodeSelector string
	PeerIP       string
	PeerSelector string
	ASNumber     numorstring.ASNumber
	ReachableBy  string
	Filters      []string
}

type (
	BGPFilterSpec                    struct{}
	CalicoNodeStatusSpec             struct{}
	CalicoNodeStatusStatus           struct{}
	KubeControllersConfigurationSpec struct {
		Controllers struct {
			Node *struct {
				SyncLabels      string
				LeakGracePeriod *metav1.Duration
			}
		}
		PrometheusMetricsPort *int
	}
	KubeControllersConfigurationStatus struct{}
)
