module github.com/projectcalico/api

go 1.23

require k8s.io/apimachinery v0.29.15
