# SPDX-License-Identifier: GPL-3.0-or-later
# What infra.api makes, as a user of Terraform writes it: VPC link, REST API, stage, API key and usage plan.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {}

variable "cluster" {
  type = string
}

variable "service" {
  type        = string
  description = "The Service of the load balancer, as namespace/name."
}

variable "document" {
  type        = string
  description = "Path of the API's OpenAPI document."
}

data "aws_lb" "workload" {
  tags = {
    "eks:eks-cluster-name"            = var.cluster
    "service.eks.amazonaws.com/stack" = var.service
  }
}

resource "aws_api_gateway_vpc_link" "this" {
  name        = var.cluster
  target_arns = [data.aws_lb.workload.arn]
}

locals {
  document = jsondecode(file(var.document))
  body = merge(local.document, {
    paths = {
      for path, operations in local.document.paths : path => {
        for method, operation in operations : method => merge(operation, {
          "x-amazon-apigateway-integration" = merge(operation["x-amazon-apigateway-integration"], {
            connectionId = "$${stageVariables.vpcLinkId}"
            uri          = "http://$${stageVariables.nlbHost}${path == "/" ? "/" : "/api/v3${path}"}"
          })
        })
      }
    }
  })
}

resource "aws_api_gateway_rest_api" "this" {
  name = var.cluster
  body = jsonencode(local.body)

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  triggers    = { redeployment = sha1(aws_api_gateway_rest_api.this.body) }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "prod" {
  rest_api_id   = aws_api_gateway_rest_api.this.id
  deployment_id = aws_api_gateway_deployment.this.id
  stage_name    = "prod"
  variables = {
    vpcLinkId = aws_api_gateway_vpc_link.this.id
    nlbHost   = data.aws_lb.workload.dns_name
  }
}

resource "aws_api_gateway_api_key" "this" {
  name = var.cluster
}

resource "aws_api_gateway_usage_plan" "this" {
  name = var.cluster

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.prod.stage_name
  }

  throttle_settings {
    rate_limit  = 50
    burst_limit = 100
  }

  quota_settings {
    limit  = 100000
    period = "DAY"
  }
}

resource "aws_api_gateway_usage_plan_key" "this" {
  key_id        = aws_api_gateway_api_key.this.id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.this.id
}

output "api" {
  value = aws_api_gateway_rest_api.this.id
}

output "key" {
  value     = aws_api_gateway_api_key.this.value
  sensitive = true
}
