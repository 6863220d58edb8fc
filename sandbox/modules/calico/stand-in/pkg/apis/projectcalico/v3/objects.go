package v3

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// copied is a deep copy of what JSON can say of a value, which is all of these values.
func copied[T any](in *T) *T {
	if in == nil {
		return nil
	}
	text, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	out := new(T)
	if err := json.Unmarshal(text, out); err != nil {
		panic(err)
	}
	return out
}

type BGPConfiguration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BGPConfigurationSpec `json:"spec,omitempty"`
}

type BGPConfigurationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []BGPConfiguration `json:"items"`
}

func NewBGPConfiguration() *BGPConfiguration {
	return &BGPConfiguration{TypeMeta: typed(KindBGPConfiguration)}
}

func NewBGPConfigurationList() *BGPConfigurationList {
	return &BGPConfigurationList{TypeMeta: typed(KindBGPConfigurationList)}
}

func (in *BGPConfiguration) DeepCopy() *BGPConfiguration { return copied(in) }

func (in *BGPConfiguration) DeepCopyInto(out *BGPConfiguration) { *out = *copied(in) }

func (in *BGPConfiguration) DeepCopyObject() runtime.Object { return copied(in) }

func (in *BGPConfigurationList) DeepCopyObject() runtime.Object { return copied(in) }

type BGPFilter struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BGPFilterSpec `json:"spec,omitempty"`
}

type BGPFilterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []BGPFilter `json:"items"`
}

func NewBGPFilter() *BGPFilter { return &BGPFilter{TypeMeta: typed(KindBGPFilter)} }

func NewBGPFilterList() *BGPFilterList { return &BGPFilterList{TypeMeta: typed(KindBGPFilterList)} }

func (in *BGPFilter) DeepCopy() *BGPFilter { return copied(in) }

func (in *BGPFilter) DeepCopyInto(out *BGPFilter) { *out = *copied(in) }

func (in *BGPFilter) DeepCopyObject() runtime.Object { return copied(in) }

func (in *BGPFilterList) DeepCopyObject() runtime.Object { return copied(in) }

type BGPPeer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BGPPeerSpec `json:"spec,omitempty"`
}

type BGPPeerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []BGPPeer `json:"items"`
}

func NewBGPPeer() *BGPPeer { return &BGPPeer{TypeMeta: typed(KindBGPPeer)} }

func NewBGPPeerList() *BGPPeerList { return &BGPPeerList{TypeMeta: typed(KindBGPPeerList)} }

func (in *BGPPeer) DeepCopy() *BGPPeer { return copied(in) }

func (in *BGPPeer) DeepCopyInto(out *BGPPeer) { *out = *copied(in) }

func (in *BGPPeer) DeepCopyObject() runtime.Object { return copied(in) }

func (in *BGPPeerList) DeepCopyObject() runtime.Object { return copied(in) }

type CalicoNodeStatus struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CalicoNodeStatusSpec   `json:"spec,omitempty"`
	Status            CalicoNodeStatusStatus `json:"status,omitempty"`
}

type CalicoNodeStatusList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []CalicoNodeStatus `json:"items"`
}

func NewCalicoNodeStatus() *CalicoNodeStatus {
	return &CalicoNodeStatus{TypeMeta: typed(KindCalicoNodeStatus)}
}

func NewCalicoNodeStatusList() *CalicoNodeStatusList {
	return &CalicoNodeStatusList{TypeMeta: typed(KindCalicoNodeStatusList)}
}

func (in *CalicoNodeStatus) DeepCopy() *CalicoNodeStatus { return copied(in) }

func (in *CalicoNodeStatus) DeepCopyInto(out *CalicoNodeStatus) { *out = *copied(in) }

func (in *CalicoNodeStatus) DeepCopyObject() runtime.Object { return copied(in) }

func (in *CalicoNodeStatusList) DeepCopyObject() runtime.Object { return copied(in) }

type ClusterInformation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ClusterInformationSpec `json:"spec,omitempty"`
}

type ClusterInformationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []ClusterInformation `json:"items"`
}

func NewClusterInformation() *ClusterInformation {
	return &ClusterInformation{TypeMeta: typed(KindClusterInformation)}
}

func NewClusterInformationList() *ClusterInformationList {
	return &ClusterInformationList{TypeMeta: typed(KindClusterInformationList)}
}

func (in *ClusterInformation) DeepCopy() *ClusterInformation { return copied(in) }

func (in *ClusterInformation) DeepCopyInto(out *ClusterInformation) { *out = *copied(in) }

func (in *ClusterInformation) DeepCopyObject() runtime.Object { return copied(in) }

func (in *ClusterInformationList) DeepCopyObject() runtime.Object { return copied(in) }

type FelixConfiguration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              FelixConfigurationSpec `json:"spec,omitempty"`
}

type FelixConfigurationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []FelixConfiguration `json:"items"`
}

func NewFelixConfiguration() *FelixConfiguration {
	return &FelixConfiguration{TypeMeta: typed(KindFelixConfiguration)}
}

func NewFelixConfigurationList() *FelixConfigurationList {
	return &FelixConfigurationList{TypeMeta: typed(KindFelixConfigurationList)}
}

func (in *FelixConfiguration) DeepCopy() *FelixConfiguration { return copied(in) }

func (in *FelixConfiguration) DeepCopyInto(out *FelixConfiguration) { *out = *copied(in) }

func (in *FelixConfiguration) DeepCopyObject() runtime.Object { return copied(in) }

func (in *FelixConfigurationList) DeepCopyObject() runtime.Object { return copied(in) }

type GlobalNetworkPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              GlobalNetworkPolicySpec `json:"spec,omitempty"`
}

type GlobalNetworkPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []GlobalNetworkPolicy `json:"items"`
}

func NewGlobalNetworkPolicy() *GlobalNetworkPolicy {
	return &GlobalNetworkPolicy{TypeMeta: typed(KindGlobalNetworkPolicy)}
}

func NewGlobalNetworkPolicyList() *GlobalNetworkPolicyList {
	return &GlobalNetworkPolicyList{TypeMeta: typed(KindGlobalNetworkPolicyList)}
}

func (in *GlobalNetworkPolicy) DeepCopy() *GlobalNetworkPolicy { return copied(in) }

func (in *GlobalNetworkPolicy) DeepCopyInto(out *GlobalNetworkPolicy) { *out = *copied(in) }

func (in *GlobalNetworkPolicy) DeepCopyObject() runtime.Object { return copied(in) }

func (in *GlobalNetworkPolicyList) DeepCopyObject() runtime.Object { return copied(in) }

type GlobalNetworkSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              GlobalNetworkSetSpec `json:"spec,omitempty"`
}

type GlobalNetworkSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []GlobalNetworkSet `json:"items"`
}

func NewGlobalNetworkSet() *GlobalNetworkSet {
	return &GlobalNetworkSet{TypeMeta: typed(KindGlobalNetworkSet)}
}

func NewGlobalNetworkSetList() *GlobalNetworkSetList {
	return &GlobalNetworkSetList{TypeMeta: typed(KindGlobalNetworkSetList)}
}

func (in *GlobalNetworkSet) DeepCopy() *GlobalNetworkSet { return copied(in) }

func (in *GlobalNetworkSet) DeepCopyInto(out *GlobalNetworkSet) { *out = *copied(in) }

func (in *GlobalNetworkSet) DeepCopyObject() runtime.Object { return copied(in) }

func (in *GlobalNetworkSetList) DeepCopyObject() runtime.Object { return copied(in) }

type HostEndpoint struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              HostEndpointSpec `json:"spec,omitempty"`
}

type HostEndpointList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []HostEndpoint `json:"items"`
}

func NewHostEndpoint() *HostEndpoint { return &HostEndpoint{TypeMeta: typed(KindHostEndpoint)} }

func NewHostEndpointList() *HostEndpointList {
	return &HostEndpointList{TypeMeta: typed(KindHostEndpointList)}
}

func (in *HostEndpoint) DeepCopy() *HostEndpoint { return copied(in) }

func (in *HostEndpoint) DeepCopyInto(out *HostEndpoint) { *out = *copied(in) }

func (in *HostEndpoint) DeepCopyObject() runtime.Object { return copied(in) }

func (in *HostEndpointList) DeepCopyObject() runtime.Object { return copied(in) }

type IPPool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              IPPoolSpec `json:"spec,omitempty"`
}

type IPPoolList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []IPPool `json:"items"`
}

func NewIPPool() *IPPool { return &IPPool{TypeMeta: typed(KindIPPool)} }

func NewIPPoolList() *IPPoolList { return &IPPoolList{TypeMeta: typed(KindIPPoolList)} }

func (in *IPPool) DeepCopy() *IPPool { return copied(in) }

func (in *IPPool) DeepCopyInto(out *IPPool) { *out = *copied(in) }

func (in *IPPool) DeepCopyObject() runtime.Object { return copied(in) }

func (in *IPPoolList) DeepCopyObject() runtime.Object { return copied(in) }

type IPReservation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              IPReservationSpec `json:"spec,omitempty"`
}

type IPReservationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []IPReservation `json:"items"`
}

func NewIPReservation() *IPReservation { return &IPReservation{TypeMeta: typed(KindIPReservation)} }

func NewIPReservationList() *IPReservationList {
	return &IPReservationList{TypeMeta: typed(KindIPReservationList)}
}

func (in *IPReservation) DeepCopy() *IPReservation { return copied(in) }

func (in *IPReservation) DeepCopyInto(out *IPReservation) { *out = *copied(in) }

func (in *IPReservation) DeepCopyObject() runtime.Object { return copied(in) }

func (in *IPReservationList) DeepCopyObject() runtime.Object { return copied(in) }

type KubeControllersConfiguration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              KubeControllersConfigurationSpec   `json:"spec,omitempty"`
	Status            KubeControllersConfigurationStatus `json:"status,omitempty"`
}

type KubeControllersConfigurationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []KubeControllersConfiguration `json:"items"`
}

func NewKubeControllersConfiguration() *KubeControllersConfiguration {
	return &KubeControllersConfiguration{TypeMeta: typed(KindKubeControllersConfiguration)}
}

func NewKubeControllersConfigurationList() *KubeControllersConfigurationList {
	return &KubeControllersConfigurationList{TypeMeta: typed(KindKubeControllersConfigurationList)}
}

func (in *KubeControllersConfiguration) DeepCopy() *KubeControllersConfiguration { return copied(in) }

func (in *KubeControllersConfiguration) DeepCopyInto(out *KubeControllersConfiguration) {
	*out = *copied(in)
}

func (in *KubeControllersConfiguration) DeepCopyObject() runtime.Object { return copied(in) }

func (in *KubeControllersConfigurationList) DeepCopyObject() runtime.Object { return copied(in) }

type NetworkPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              NetworkPolicySpec `json:"spec,omitempty"`
}

type NetworkPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []NetworkPolicy `json:"items"`
}

func NewNetworkPolicy() *NetworkPolicy { return &NetworkPolicy{TypeMeta: typed(KindNetworkPolicy)} }

func NewNetworkPolicyList() *NetworkPolicyList {
	return &NetworkPolicyList{TypeMeta: typed(KindNetworkPolicyList)}
}

func (in *NetworkPolicy) DeepCopy() *NetworkPolicy { return copied(in) }

func (in *NetworkPolicy) DeepCopyInto(out *NetworkPolicy) { *out = *copied(in) }

func (in *NetworkPolicy) DeepCopyObject() runtime.Object { return copied(in) }

func (in *NetworkPolicyList) DeepCopyObject() runtime.Object { return copied(in) }

type NetworkSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              NetworkSetSpec `json:"spec,omitempty"`
}

type NetworkSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []NetworkSet `json:"items"`
}

func NewNetworkSet() *NetworkSet { return &NetworkSet{TypeMeta: typed(KindNetworkSet)} }

func NewNetworkSetList() *NetworkSetList { return &NetworkSetList{TypeMeta: typed(KindNetworkSetList)} }

func (in *NetworkSet) DeepCopy() *NetworkSet { return copied(in) }

func (in *NetworkSet) DeepCopyInto(out *NetworkSet) { *out = *copied(in) }

func (in *NetworkSet) DeepCopyObject() runtime.Object { return copied(in) }

func (in *NetworkSetList) DeepCopyObject() runtime.Object { return copied(in) }

type Profile struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ProfileSpec `json:"spec,omitempty"`
}

type ProfileList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []Profile `json:"items"`
}

func NewProfile() *Profile { return &Profile{TypeMeta: typed(KindProfile)} }

func NewProfileList() *ProfileList { return &ProfileList{TypeMeta: typed(KindProfileList)} }

func (in *Profile) DeepCopy() *Profile { return copied(in) }

func (in *Profile) DeepCopyInto(out *Profile) { *out = *copied(in) }

func (in *Profile) DeepCopyObject() runtime.Object { return copied(in) }

func (in *ProfileList) DeepCopyObject() runtime.Object { return copied(in) }

const (
	KindBGPConfiguration                 = "BGPConfiguration"
	KindBGPConfigurationList             = "BGPConfigurationList"
	KindBGPFilter                        = "BGPFilter"
	KindBGPFilterList                    = "BGPFilterList"
	KindBGPPeer                          = "BGPPeer"
	KindBGPPeerList                      = "BGPPeerList"
	KindCalicoNodeStatus                 = "CalicoNodeStatus"
	KindCalicoNodeStatusList             = "CalicoNodeStatusList"
	KindClusterInformation               = "ClusterInformation"
	KindClusterInformationList           = "ClusterInformationList"
	KindFelixConfiguration               = "FelixConfiguration"
	KindFelixConfigurationList           = "FelixConfigurationList"
	KindGlobalNetworkPolicy              = "GlobalNetworkPolicy"
	KindGlobalNetworkPolicyList          = "GlobalNetworkPolicyList"
	KindGlobalNetworkSet                 = "GlobalNetworkSet"
	KindGlobalNetworkSetList             = "GlobalNetworkSetList"
	KindHostEndpoint                     = "HostEndpoint"
	KindHostEndpointList                 = "HostEndpointList"
	KindIPPool                           = "IPPool"
	KindIPPoolList                       = "IPPoolList"
	KindIPReservation                    = "IPReservation"
	KindIPReservationList                = "IPReservationList"
	KindKubeControllersConfiguration     = "KubeControllersConfiguration"
	KindKubeControllersConfigurationList = "KubeControllersConfigurationList"
	KindNetworkPolicy                    = "NetworkPolicy"
	KindNetworkPolicyList                = "NetworkPolicyList"
	KindNetworkSet                       = "NetworkSet"
	KindNetworkSetList                   = "NetworkSetList"
	KindProfile                          = "Profile"
	KindProfileList                      = "ProfileList"
)
